"""The words of docs/glossary.md are used, and the words they replaced are not."""

import re
from fnmatch import fnmatch

import pytest

from tests import prose

LIST = prose.ROOT / "tests" / "retired_words.txt"
EXEMPT = ("CHANGELOG.md", "requirements", "tests/test_vocabulary.py")
HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def retired() -> dict[str, list[str]]:
    """Return the expressions by the files they apply to."""
    by_files: dict[str, list[str]] = {}
    for line in LIST.read_text().splitlines():
        if not line.startswith("#"):
            expression, _, pattern = line.partition("\t")
            by_files.setdefault(pattern or "*", []).append(expression)
    return by_files


def whole_words(expressions: list[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<![a-z])(?:{'|'.join(expressions)})(?![a-z])", re.IGNORECASE)


WORDS = {files: whole_words(listed) for files, listed in retired().items()}


def found_in(path: str, text: str) -> list[str]:
    """Return "path:line: word" for each retired word, parts of CamelCase included."""
    return [
        f"{path}:{number}: {match[0]}"
        for files, pattern in WORDS.items()
        if fnmatch(path, files)
        for number, line in enumerate(text.splitlines(), 1)
        for match in pattern.finditer(HUMP.sub(" ", line))
    ]


def text_files() -> dict[str, str]:
    texts = {}
    for name in prose.files():
        if not name.startswith(EXEMPT):
            content = (prose.ROOT / name).read_bytes()
            if b"\0" not in content:
                texts[name] = content.decode()
    return texts


def test_retired_words_appear_nowhere_outside_the_changelog() -> None:
    texts = text_files()

    found = [each for path, text in texts.items() for each in found_in(path, text)]

    assert found == []
    assert len(texts) > 20


def test_retired_words_do_not_match_their_own_list() -> None:
    assert found_in("tests/retired_words.txt", LIST.read_text()) == []


@pytest.mark.parametrize(
    "line",
    [
        "def ring_the_bel" + "l() -> None:",
        "class Bel" + "lTimer:",
        "# Judg" + "ed by today's rules.",
        "MOST" + "_ROWS = 5",
        "visits.set" + "_aside_at",
        "It was set" + " aside.",
        "follow" + "ed up by a worker",
    ],
)
def test_retired_words_are_found_within_names(line: str) -> None:
    assert len(found_in("shortlinks/example.py", line)) == 1


@pytest.mark.parametrize("line", ["tell" + "Gesture();", "function fee" + "l(event) {"])
def test_retired_words_of_scripts_are_found(line: str) -> None:
    assert found_in("shortlinks/example.js", line) != []


def test_prose_check_reads_the_comments_of_scripts() -> None:
    source = """/* A block
 * in vain. */

const URL = "https://is away"; // The worker knows
// the reason.
"""

    remarks = list(prose.remarks_on("example.js", source))

    assert [(remark.line, remark.rule) for remark in remarks] == [
        (2, "phrase"),
        (5, "speaking software"),
    ]


@pytest.mark.parametrize("line", ["label", "most_recent", "follow the link up there"])
def test_retired_words_are_not_found_within_other_words(line: str) -> None:
    assert found_in("shortlinks/example.py", line) == []


def test_prose_follows_the_rules() -> None:
    assert prose.check() == []


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("What a visit is.", "opening"),
        ("Return what the user does with his link.", "he"),
        ("Look up what the server says.", "speaking software"),
        ("Store the rows again while Redis is away.", "phrase"),
        ("Return the header of DESIGN 5.", "reference"),
        ("word " * (prose.MAX_WORDS + 1), "long"),
        ("One idea; another one; and a third.", "semicolons"),
    ],
)
def test_prose_check_remarks_on(text: str, rule: str) -> None:
    remarks = list(prose.remarks_on("page.md", text))

    assert [remark.rule for remark in remarks] == [rule]


@pytest.mark.parametrize(
    "text",
    [
        "What counts as an open?",
        "Return the header `what § says`.",
        "There is no such row.",
        "The link is no longer active.",
    ],
)
def test_prose_check_accepts(text: str) -> None:
    assert list(prose.remarks_on("page.md", text)) == []


def test_no_file_has_the_markers_of_a_merge_conflict() -> None:
    pages = [*prose.ROOT.glob("*.md"), *prose.ROOT.glob("docs/**/*.md")]
    marker = re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE)

    assert [str(page) for page in pages if marker.search(page.read_text())] == []
