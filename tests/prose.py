"""Check English texts by the mechanical rules of docs/style.md.

`python -m tests.prose [PREFIX …]` lists all remarks. Texts are docstrings, comments of
Python and JavaScript, Markdown pages, templates and messages to translate.
"""

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
# The aim is 25 (docs/style.md). About 110 sentences have 26 to 28 words: lists of
# cases, or measurements with their conditions. Lower this when they are split.
MAX_WORDS = 28
SOFTWARE = (
    "admin|alert|API|beat|browser|code|command|database|error|function|it|log|module"
    "|page|Postgres|process|program|proxy|query|redirects?|Redis|row|script|server"
    "|service|system|table|task|test|which|worker"
)
SPEAKS = "tells?|told|says?|said|hears?|heard|knows?|knew|sees?|saw|asks?|asked"
QUESTION_OR_LABEL = r"(?!.*\?$|(?: [\w-]+){,5}$)"
RULES = {
    "opening": re.compile(rf"^(?:What|Who|Whose|Of|Those|By|As)\b{QUESTION_OR_LABEL}"),
    "he": re.compile(r"\b(?:he|his|him|himself)\b", re.IGNORECASE),
    "speaking software": re.compile(rf"\b(?:{SOFTWARE}) (?:{SPEAKS})\b"),
    "phrase": re.compile(
        r"\banew\b|\bin vain\b|\b(?:is|are|was|were) away\b"
        r"|(?<!there )\b(?:is|was) no\b(?! longer| more)",
        re.IGNORECASE,
    ),
    "reference": re.compile(r"§|\bDESIGN,? \w"),
    "semicolons": re.compile(r";.*;.*\.$"),
    "long": re.compile(rf"^(?:\S+\s+){{{MAX_WORDS},}}\S"),
}
BULLET = re.compile(r"^(?:[-*] |\d+\. )")


Text = tuple[int, str]  # line and words


class Remark(NamedTuple):
    path: str
    line: int
    rule: str
    sentence: str


def files(*patterns: str) -> list[str]:
    """Return the tracked files, so that no build output is checked."""
    command = ["git", "ls-files", "-z", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    names = listed.stdout.decode().split("\0")
    return [name for name in names if name and (ROOT / name).is_file()]


def of_python(source: str) -> Iterator[Text]:
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, documented):
            paragraphs = re.split(r"\n\n|\n(?=- )", ast.get_docstring(node) or "")
            yield from ((node.body[0].lineno, each) for each in paragraphs if each)
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = [token for token in tokens if token.type == tokenize.COMMENT]
    yield from _joined(
        [(each.start[0], each.string.lstrip("#! ")) for each in comments]
    )


def of_script(source: str) -> Iterator[Text]:
    """Yield the comments of JavaScript: from // to the end of a line, and blocks."""
    comment = re.compile(
        r"(?:^|\s)//\s?(.*)|^\s*/?\*+!?\s?(.*?)\s*(?:\*/)?$|/\* (.*) \*/"
    )
    lines = enumerate(map(comment.search, source.splitlines()), 1)
    yield from _joined([(n, "".join(filter(None, c.groups()))) for n, c in lines if c])


def _joined(comments: list[Text]) -> Iterator[Text]:
    """Join the comments of consecutive lines."""
    lines = {line for line, _ in comments}
    block = ""
    for line, text in comments:
        block += " " + text
        if line + 1 not in lines:
            yield (line, block)
            block = ""


def of_markdown(source: str) -> Iterator[Text]:
    fence = re.compile(r"^( *)```.*?^\1```$", re.DOTALL | re.MULTILINE)
    block = ""
    for number, line in enumerate([*fence.sub(_blank, source).splitlines(), ""], 1):
        text = line.strip()
        if block and (not text or text[0] in "|#<" or BULLET.match(text)):
            yield (number - 1, BULLET.sub("", block))
            block = ""
        if text.startswith("|"):
            yield from ((number, cell) for cell in text.split("|"))
        elif text and text[0] not in "#<":
            block = f"{block} {text}".lstrip()


def of_template(source: str) -> Iterator[Text]:
    code = re.compile(r"<(script|style)\b.*?</\1>|\{[#%].*?[#%]\}", re.DOTALL)
    for number, line in enumerate(code.sub(_blank, source).splitlines(), 1):
        yield (number, re.sub(r"<[^>]*>?|\{\{.*?\}\}|^[^<]*>", " ", line))


def of_messages(source: str) -> Iterator[Text]:
    for found in re.finditer(r'^msgid (".*"(?:\n".*")*)', source, re.MULTILINE):
        words = "".join(re.findall(r'"(.*)"', found[1]))
        yield (source.count("\n", 0, found.start()) + 1, words)


def _blank(found: re.Match[str]) -> str:
    return "\n" * found[0].count("\n")


READERS = {".py": of_python, ".md": of_markdown, ".po": of_messages, ".js": of_script}
READERS |= dict.fromkeys((".html", ".txt"), of_template)


def sentences(text: str) -> list[str]:
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", re.sub(r"`[^`]*`", "X", text))
    plain = re.sub(r"[*_\"“”]+", "", " ".join(plain.split()))
    return [part.strip() for part in re.split(r"(?<=[.!?:])\s+(?=[A-ZА-Я(])", plain)]


def remarks_on(path: str, source: str) -> Iterator[Remark]:
    for line, text in READERS[Path(path).suffix](source):
        for sentence in sentences(text):
            for rule, pattern in RULES.items():
                if pattern.search(sentence):
                    yield Remark(path, line, rule, sentence)


def check(*prefixes: str) -> list[Remark]:
    """Return the remarks on our texts; catalogs of other packages are not ours."""
    names = files("*.py", "*.md", "*/templates/*.html", "*/templates/*.txt")
    names += files("shortlinks/locale/*.po", "shortlinks/domain/*.js")
    names += files("shortlinks/static/*.js")
    chosen = [n for n in names if n.startswith(prefixes or "")]
    return [r for n in chosen for r in remarks_on(n, (ROOT / n).read_text())]


if __name__ == "__main__":
    found = check(*sys.argv[1:])
    for path, line, rule, sentence in found:
        sys.stdout.write(f"{path}:{line}: {rule}: {sentence[:200]}\n")
    sys.stdout.write(f"{len(found)} remarks {dict(Counter(r.rule for r in found))}\n")
