"""Rows of a file, before their columns are known."""

from collections.abc import Sequence
from typing import NamedTuple


class RawRow(NamedTuple):
    """A numbered row of the file. `error` concerns the whole row."""

    number: int
    cells: Sequence[str]
    error: str = ""


class InvalidCell(str):
    """The text of a cell that cannot be imported; `error` is a message for the user."""

    error: str

    def __new__(cls, text: str, error: str) -> "InvalidCell":
        cell = super().__new__(cls, text)
        cell.error = error
        return cell
