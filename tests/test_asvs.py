"""The tables of docs/reference/asvs*.md are complete, and their tests exist."""

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PAGES = {
    name: (ROOT / "docs" / "reference" / f"{name}.md").read_text()
    for name in ("asvs", "asvs-other-chapters")
}
ALL_PAGES = "".join(PAGES.values())
# All numbers of level 1 and 2.
NUMBERS = (ROOT / "tests" / "data" / "asvs_numbers.txt").read_text().split()
ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| (.+) \| (.+) \| (.*) \|$", re.MULTILINE)
ROWS = ROW.findall(ALL_PAGES)
# A chapter that does not apply has one row, which stands for all of its numbers.
CHAPTER = re.compile(r"^\| V(\d+) \| (.+) \| (.+) \| (.*) \|$", re.MULTILINE)
CHAPTERS = CHAPTER.findall(ALL_PAGES)
TESTS = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", ALL_PAGES)))
FILES = sorted(set(re.findall(r"`(tests/[\w/]+\.py)`", ALL_PAGES)))


def key(number: str) -> list[int]:
    return [int(part) for part in number.split(".")]


def of_chapter(chapter: str) -> list[str]:
    return [number for number in NUMBERS if number.startswith(f"{chapter}.")]


def test_each_requirement_has_one_row() -> None:
    shown = [number for number, *_ in ROWS]
    summarized = [n for chapter, *_ in CHAPTERS for n in of_chapter(chapter)]

    assert sorted([*shown, *summarized], key=key) == NUMBERS


def test_each_chapter_is_on_one_page_in_order() -> None:
    chapters: list[int] = []
    for page in PAGES.values():
        numbers = [key(number) for number, *_ in ROW.findall(page)]
        assert all(one < next_ for one, next_ in pairwise(numbers))
        chapters += sorted({number[0] for number in numbers})

    assert len(chapters) == len(set(chapters))


def test_only_webrtc_is_summarized_and_no_code_uses_it() -> None:
    assert [(chapter, state) for chapter, _, state, _ in CHAPTERS] == [
        ("17", "not applicable")
    ]
    suffixes = {".py", ".js", ".html"}
    files = [p for p in (ROOT / "shortlinks").rglob("*") if p.suffix in suffixes]
    assert [p for p in files if "RTCPeerConnection" in p.read_text()] == []


def test_each_row_has_a_state_and_a_reason() -> None:
    assert {state for _, _, state, _ in ROWS} == {
        "met",
        "not applicable",
        "exception",
        "not met",
    }
    vague = {number: why for number, _, _, why in ROWS if len(why) < 10}
    assert vague == {}


def test_each_chapter_has_a_row_with_a_test() -> None:
    tested = {key(number)[0] for number, _, _, why in ROWS if "`tests/" in why}
    chapters = {key(number)[0] for number in NUMBERS}

    untested = chapters - tested

    assert untested == {int(chapter) for chapter, *_ in CHAPTERS}


@pytest.mark.parametrize(("file", "name"), TESTS)
def test_named_test_exists(file: str, name: str) -> None:
    assert f"def {name}(" in (ROOT / file).read_text()


@pytest.mark.parametrize("file", FILES)
def test_named_file_exists(file: str) -> None:
    assert (ROOT / file).exists()


def test_security_page_has_the_counts() -> None:
    states = Counter(state for _, _, state, _ in ROWS)
    for chapter, _, state, _ in CHAPTERS:
        states[state] += len(of_chapter(chapter))
    page = " ".join((ROOT / "SECURITY.md").read_text().split())

    assert f"of the {len(NUMBERS)} requirements" in page
    assert f"{states['met']} are met, {states['not applicable']} do not apply" in page
    assert f"{states['exception']} are documented exceptions" in page
    assert f"{states['not met']} are not met" in page
