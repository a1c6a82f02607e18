"""Types for the rows of any kind of import."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from django.utils.translation import gettext_noop

from shortlinks.domain.imports.spreadsheets import ParsedRow

CHANGED = gettext_noop("The record changed after the check. Import this row again.")


@dataclass(slots=True)
class CheckedRow:
    """A numbered row of the file; `errors` are messages for the user.

    No two rows may have the same `key`. `existing_version` changes whenever the row of
    the database does, and is empty for a new one. An unchanged row is not stored.
    """

    number: int
    cells: dict[str, str]
    key: str = ""
    existing_version: str = ""
    is_unchanged: bool = False
    errors: list[str] = field(default_factory=list)

    @classmethod
    def parsed(cls, row: ParsedRow) -> Self:
        return cls(row.number, row.cells, errors=list(row.errors))


@dataclass(frozen=True, slots=True)
class StoredRows:
    """The created and changed rows of the database, each once."""

    created: Sequence[Any]
    changed: Sequence[Any]
