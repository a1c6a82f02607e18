"""What rows of all kinds have in common on their way into an account."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_noop

CHANGED = gettext_noop("Somebody else changed this after it was checked.")


@dataclass(slots=True)
class CheckedRow:
    """A row by its number in the file; `faults` are for people.

    `key` may stand in one row alone. `seen` is what is there already, as a text that
    differs when it was changed; empty: nothing.
    """

    number: int
    cells: dict[str, str]
    key: str = ""
    existing_version: str = ""
    errors: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class StoredRows:
    """The rows of the database that lines became, each once."""

    created: Sequence[Any]
    changed: Sequence[Any]
