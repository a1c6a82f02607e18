"""Check English texts by the mechanical rules of docs/style.md: `python -m tests.prose`.

Texts are docstrings, comments, Markdown pages, templates and messages to translate.
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
# Areas that are not rewritten yet. A prefix is removed when its area passes.
NOT_YET = ("shortlinks/", "config/", "embedded/", "deploy/", "devserver/")
NOT_YET += ("faults/", "drills/", "benchmarks/", "systemtests/", "translations/")
NOT_YET += ("tests/", "docker", "Dockerfile", "Makefile", "manage.py", "pyproject.toml")
NOT_YET += (".env.example", ".ci/", "docs/observability/a", "docs/observability/d")

MAX_WORDS = 35
SOFTWARE = "admin|alert|API|beat|browser|code|command|database|error|function|it|log"
SOFTWARE += "|module|page|Postgres|process|program|proxy|query|redirects?|Redis|row"
SOFTWARE += "|script|server|service|system|table|task|test|which|worker"
SAYS = "tells?|told|says?|said|hears?|heard|knows?|knew|sees?|saw|asks?|asked"
RULES = {
    "opening": re.compile(r"^(?:What|Who|Whose|Of|Those|By|As)\b(?!.*\?$|(?: [\w-]+){,5}$)"),
    "he": re.compile(r"\b(?:he|his|him|himself)\b", re.IGNORECASE),
    "speaking software": re.compile(rf"\b(?:{SOFTWARE}) (?:{SAYS})\b"),
    "phrase": re.compile(
        r"\banew\b|\bin vain\b|\b(?:is|are|was|were) away\b"
        r"|(?<!there )\b(?:is|was) no\b(?! longer| more)",
        re.IGNORECASE,
    ),
    "reference": re.compile(r"§|\bDESIGN,? \w"),
}


class Text(NamedTuple):
    line: int
    words: str


class Remark(NamedTuple):
    path: str
    line: int
    rule: str
    sentence: str


def files(*patterns: str) -> list[str]:
    """Return the tracked files, so that no build output is checked."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, check=True
    )
    names = listed.stdout.decode().split("\0")
    return [name for name in names if name and (ROOT / name).is_file()]


def of_python(source: str) -> Iterator[Text]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            if docstring := ast.get_docstring(node):
                for paragraph in docstring.split("\n\n"):
                    yield Text(node.body[0].lineno, paragraph)
    lines: list[str] = []
    last = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        if token.start[0] != last + 1 and lines:
            yield Text(last, " ".join(lines))
            lines = []
        lines.append(token.string.lstrip("#! "))
        last = token.start[0]
    yield Text(last, " ".join(lines))


def of_markdown(source: str) -> Iterator[Text]:
    """Yield paragraphs, list items and table cells without code and headings."""
    blank = re.sub(
        r"^```.*?^```$", _empty_lines, source, flags=re.DOTALL | re.MULTILINE
    )
    block: list[str] = []
    begin = 1
    for number, line in enumerate([*blank.splitlines(), ""], 1):
        text = line.strip()
        starts = not text or re.match(r"[-*|#<]|\d+\. ", text)
        if starts and block:
            yield Text(begin, re.sub(r"^(?:[-*] |\d+\. )", "", " ".join(block)))
            block = []
        if text.startswith("|"):
            yield from (Text(number, cell) for cell in text.split("|"))
        elif text and not re.match(r"[#<]", text):
            begin = begin if block else number
            block.append(text)


def of_template(source: str) -> Iterator[Text]:
    without = re.sub(
        r"<(script|style)\b.*?</\1>|\{#.*?#\}|\{%.*?%\}",
        _empty_lines,
        source,
        flags=re.DOTALL,
    )
    for number, line in enumerate(without.splitlines(), 1):
        yield Text(number, re.sub(r"<[^>]*>?|\{\{.*?\}\}|^[^<]*>", " ", line))


def of_messages(source: str) -> Iterator[Text]:
    for found in re.finditer(r'^msgid (".*"(?:\n".*")*)', source, re.MULTILINE):
        line = source.count("\n", 0, found.start()) + 1
        yield Text(line, "".join(re.findall(r'"(.*)"', found[1])))


def _empty_lines(found: re.Match[str]) -> str:
    return "\n" * found[0].count("\n")


READERS = {
    ".py": of_python,
    ".md": of_markdown,
    ".html": of_template,
    ".txt": of_template,
    ".po": of_messages,
}


def sentences(text: str) -> list[str]:
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", re.sub(r"`[^`]*`", "X", text))
    plain = re.sub(r"[*_\"“”]+", "", " ".join(plain.split()))
    return [part.strip() for part in re.split(r"(?<=[.!?:])\s+(?=[A-ZА-Я(])", plain)]


def check(path: str) -> Iterator[Remark]:
    return remarks_on(path, (ROOT / path).read_text())


def remarks_on(path: str, source: str) -> Iterator[Remark]:
    for line, text in READERS[Path(path).suffix](source):
        for sentence in sentences(text):
            for rule, pattern in RULES.items():
                if pattern.search(sentence):
                    yield Remark(path, line, rule, sentence)
            if len(sentence.split()) > MAX_WORDS:
                yield Remark(path, line, "long", sentence)


def checked() -> list[str]:
    """Return the files with English prose, catalogues of other packages left out."""
    names = files(
        "*.py", "*.md", "*/templates/*.html", "*/templates/*.txt", "*/locale/*.po"
    )
    return [name for name in names if "/migrations/" not in name]


if __name__ == "__main__":
    chosen = [n for n in checked() if n.startswith(tuple(sys.argv[1:]) or "")]
    remarks = [remark for name in chosen for remark in check(name)]
    for remark in remarks:
        print(f"{remark.path}:{remark.line}: {remark.rule}: {remark.sentence[:200]}")
    print(dict(Counter(remark.rule for remark in remarks)), len(remarks), "remarks")
