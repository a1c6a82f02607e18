"""Text that a spreadsheet would run as a formula."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlinks.domain import formulas

TEXTS = st.text(st.sampled_from("='+-@\t\r\n \u00a0\u200b＝＋－＠a1")) | st.text()


@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", "+7 900", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "  =1"),
        *("\u00a0=1", "\u200b=1", "＝1", "＋1", "－1", "＠1", "'=1"),
    ],
)
def test_formula_gets_an_apostrophe(text: str) -> None:
    assert formulas.escape(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Anna", "a=b", "O'Neil", "'", "' x", "1-2"])
def test_other_text_stays(text: str) -> None:
    assert formulas.escape(text) == formulas.unescape(text) == text


@given(TEXTS)
def test_unescape_returns_what_was_escaped(text: str) -> None:
    assert formulas.unescape(formulas.escape(text)) == text


@given(TEXTS)
def test_no_escaped_text_begins_as_a_formula(text: str) -> None:
    escaped = formulas.escape(text)

    assert escaped[:1] not in {*"=+-@\t\r\n＝＋－＠"}
    assert escaped.strip()[:1] not in {*"=+-@＝＋－＠"}
