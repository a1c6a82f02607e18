"""The table of docs/reference/asvs.md is complete, and its tests exist."""

import re
from collections import Counter
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PAGE = (ROOT / "docs" / "reference" / "asvs.md").read_text()
NUMBERS = (ROOT / "tests" / "data" / "asvs_numbers.txt").read_text().split()
ROWS = re.findall(
    r"^\| (\d+\.\d+\.\d+) \| (.+) \| (.+) \| (.*) \|$", PAGE, re.MULTILINE
)
TESTS = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))
FILES = sorted(set(re.findall(r"`(tests/[\w/]+\.py)`", PAGE)))


def test_each_requirement_has_one_row() -> None:
    assert [number for number, *_ in ROWS] == NUMBERS


def test_each_row_has_a_state_and_a_reason() -> None:
    assert {state for _, _, state, _ in ROWS} == {
        "met",
        "not applicable",
        "exception",
    }
    assert [number for number, _, _, why in ROWS if len(why) < 10] == []


@pytest.mark.parametrize(("file", "name"), TESTS)
def test_named_test_exists(file: str, name: str) -> None:
    assert f"def {name}(" in (ROOT / file).read_text()


@pytest.mark.parametrize("file", FILES)
def test_named_file_exists(file: str) -> None:
    assert (ROOT / file).exists()


def test_security_page_has_the_counts() -> None:
    states = Counter(state for _, _, state, _ in ROWS)
    page = " ".join((ROOT / "SECURITY.md").read_text().split())

    assert f"of the {len(ROWS)} requirements" in page
    assert f"{states['met']} are met, {states['not applicable']} do not apply" in page
    assert f"{states['exception']} are documented exceptions" in page
