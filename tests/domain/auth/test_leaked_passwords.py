"""The list of leaked passwords has those that are long enough to be accepted."""

import gzip
from typing import Any

from django.conf import settings

from tests.leaked_passwords import MIN_LENGTH, PATH, select

MIN_COUNT = 3000  # ASVS 6.2.4


def test_list_is_as_the_validator_compares_it() -> None:
    with gzip.open(PATH, "rt", encoding="utf-8") as file:
        passwords = file.read().splitlines()

    assert len(passwords) > MIN_COUNT
    assert sorted(select(passwords)) == passwords


def test_shortest_password_of_the_list_is_the_shortest_accepted() -> None:
    validators: list[Any] = settings.AUTH_PASSWORD_VALIDATORS
    options = [row.get("OPTIONS") for row in validators]

    assert {"min_length": MIN_LENGTH} in options
    assert {"password_list_path": PATH} in options


def test_short_and_equal_passwords_are_left_out() -> None:
    listed = ["short", " Twelve-Chars\n", "twelve-chars", "Ещё двенадцать"]

    assert select(listed) == {"twelve-chars", "ещё двенадцать"}
