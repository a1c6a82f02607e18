"""Every integer of a path, query, header or table has one reader."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shortlinks.domain import integers
from shortlinks.domain.integers import MAX_ID


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("7", 7),
        ("007", 7),
        ("0" * 5000 + "7", 7),
        (str(MAX_ID), MAX_ID),
        ("00" + str(MAX_ID), MAX_ID),
        (str(MAX_ID + 1), None),
        ("9" * 5000, None),
        ("", None),
        ("-1", None),
        ("+1", None),
        (" 1", None),
        ("1\n", None),
        ("1_000", None),
        ("1e2", None),
        ("1.0", None),
        ("0x1", None),
        ("١", None),
        ("²", None),
        ("1\0", None),
        ("\ud800", None),
    ],
)
def test_integer_is_read_from_text(text: str, expected: int | None) -> None:
    assert integers.from_text(text) == expected


@given(st.integers(0, MAX_ID), st.integers(0, 40))
def test_integer_is_the_same_after_leading_zeros(number: int, zeros: int) -> None:
    assert integers.from_text("0" * zeros + str(number)) == number


@given(st.text())
@example("٣")
def test_text_is_an_integer_if_it_has_only_ascii_digits(text: str) -> None:
    is_read = integers.from_text(text) is not None

    assert is_read <= (set(text) <= set("0123456789") and text != "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", None), ("1", 1), ("250", 250), ("251", 250), ("9" * 99, 250), ("x", None)],
)
def test_larger_integer_is_capped(text: str, expected: int | None) -> None:
    assert integers.capped_from_text(text, minimum=1, maximum=250) == expected


@pytest.mark.parametrize("value", ["5", 5.0, True, None, [5], 0, -1, MAX_ID + 1])
def test_other_json_is_not_an_id(value: object) -> None:
    assert integers.from_json(value) is None


def test_largest_id_is_the_cap_of_longer_and_of_equally_long_numbers() -> None:
    texts = (str(integers.MAX_ID + 1), f"{integers.MAX_ID}0")

    found = {
        integers.capped_from_text(text, minimum=0, maximum=integers.MAX_ID)
        for text in texts
    }
    assert found == {integers.MAX_ID}
