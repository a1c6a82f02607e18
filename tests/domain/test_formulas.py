"""Text that a spreadsheet would run as a formula."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlinks.domain import formulas

TEXTS = st.text(st.sampled_from("='\"+-@,;|\t\r\n \u00a0\u200b＝＋－＠a1")) | st.text()
ESCAPES = pytest.mark.parametrize("escape", [formulas.escape, formulas.escape_csv])


@ESCAPES
@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", "+7 900", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "  =1"),
        *("\u00a0=1", "\u200b=1", "＝1", "＋1", "－1", "＠1", "'=1", '"=1', "\"' =1"),
    ],
)
def test_formula_gets_an_apostrophe(escape: Callable[[str], str], text: str) -> None:
    assert escape(text) == f"'{text}"


@ESCAPES
@pytest.mark.parametrize(
    "text",
    ["", "Anna", "a=b", "O'Neil", "'", "' x", "1-2", 'Co "A"', "a, b", "a;b", "a\nb"],
)
def test_other_text_stays(escape: Callable[[str], str], text: str) -> None:
    assert escape(text) == formulas.unescape(text) == text


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a;=1+1", "a;'=1+1"),
        ("a, +7 900", "a,' +7 900"),
        ('a,"=1', "a,'\"=1"),
        ("a\n=1", "a\n'=1"),
        ("a\t＝1|@x", "a\t'＝1|'@x"),
        ("=1,=2", "'=1,'=2"),
    ],
)
def test_formula_behind_a_separator_gets_an_apostrophe_in_csv(
    text: str, escaped: str
) -> None:
    assert formulas.escape_csv(text) == escaped
    assert formulas.unescape(escaped) == text


@given(TEXTS)
def test_unescape_returns_what_was_escaped_for_csv(text: str) -> None:
    assert formulas.unescape(formulas.escape_csv(text)) == text


@ESCAPES
@given(text=TEXTS)
def test_no_escaped_text_begins_as_a_formula(
    escape: Callable[[str], str], text: str
) -> None:
    escaped = escape(text)

    assert escaped[:1] not in {*"=+-@\t\r\n＝＋－＠"}
    assert escaped.strip().lstrip('"')[:1] not in {*"=+-@＝＋－＠"}


@given(TEXTS)
def test_no_part_of_escaped_csv_begins_as_a_formula(text: str) -> None:
    for part in re.split(r"[,;|\t\r\n]", formulas.escape_csv(text)):
        assert part.strip().lstrip('"').strip()[:1] not in {*"=+-@＝＋－＠"}
