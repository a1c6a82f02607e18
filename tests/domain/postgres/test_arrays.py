"""Postgres decodes encoded lists to the same values."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shortlinks.domain.postgres import arrays

TEXTS = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=20)
KINDS: dict[str, st.SearchStrategy[Any]] = {
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "uuid": st.uuids(),
    "text": TEXTS,
    "bytea": st.binary(max_size=20),
    "date": st.dates(datetime(1000, 1, 1).date()),  # noqa: DTZ001
    "timestamptz": st.datetimes(
        datetime(1000, 1, 1),  # noqa: DTZ001
        timezones=st.just(UTC),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(drawn=st.data())
def test_lists_are_encoded_without_loss(
    db: None, kind: str, drawn: st.DataObject
) -> None:
    values = drawn.draw(st.lists(KINDS[kind], max_size=5))

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT unnest(%s::{kind}[])", [arrays.encode(values)])
        found = [value for (value,) in cursor]

    assert found == values


def test_text_with_the_separator_is_encoded_without_loss(db: None) -> None:
    values = [f"a{arrays.SEPARATOR}b", 'quote " and \\']

    with connection.cursor() as cursor:
        cursor.execute("SELECT unnest(%s::text[])", [arrays.encode(values)])
        found = [value for (value,) in cursor]

    assert found == values


def test_only_lists_are_encoded_among_parameters() -> None:
    one = UUID(int=1)

    assert arrays.encode_params({"ids": [one], "one": one, "none": []}) == {
        "ids": "{00000000-0000-0000-0000-000000000001}",
        "one": one,
        "none": "{}",
    }
