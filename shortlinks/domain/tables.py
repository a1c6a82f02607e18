"""Tables that people bring as files: CSV as spreadsheets write it, and XLSX."""

import csv
from collections.abc import Mapping, Sequence
from io import BytesIO, StringIO
from typing import Any
from zipfile import BadZipFile, ZipFile

import openpyxl
from django.utils.translation import gettext_noop

MOST_BYTES = 5 * 1024 * 1024
MOST_UNPACKED = 100 * 1024 * 1024
MOST_ROWS = 10_000
MOST_COLUMNS = 50
DELIMITERS = ",;\t"
ENCODINGS = ("utf-8-sig", "cp1251")


class NoTable(Exception):
    """The file is not one of the two, or too big; says which."""


class NoHead(Exception):
    """The columns are not named."""


def read(content: bytes) -> list[list[str]]:
    """The rows with their head, as texts; NoTable says why there are none."""
    if len(content) > MOST_BYTES:
        raise NoTable(gettext_noop("The file is larger than 5 MB."))
    rows = _workbook(content) if content[:2] == b"PK" else _csv(content)
    if len(rows) > MOST_ROWS + 1:
        raise NoTable(gettext_noop("The file has more than 10,000 rows."))
    return rows


def named(
    rows: Sequence[Sequence[str]], heads: Mapping[str, str]
) -> list[tuple[int, dict[str, str]]]:
    """The rows below the head that are not empty: number in the file, cells by name.

    `heads` tells a column by what its head may say; NoHead if none is known.
    """
    head = [heads.get(cell.strip().lower(), "") for cell in rows[0]] if rows else []
    if not any(head):
        raise NoHead
    return [
        (number, _given(head, row))
        for number, row in enumerate(rows[1:], start=2)
        if any(cell.strip() for cell in row)
    ]


def _given(head: Sequence[str], row: Sequence[str]) -> dict[str, str]:
    cells = zip(head, row, strict=False)
    return {name: cell.strip() for name, cell in cells if name}


def _csv(content: bytes) -> list[list[str]]:
    text = _text(content)
    head = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=head.count)
    try:
        return list(csv.reader(StringIO(text), delimiter=delimiter))
    except csv.Error:
        raise NoTable(gettext_noop("The file is no CSV.")) from None


def _text(content: bytes) -> str:
    """UTF-8, or what an old Excel writes in Russia."""
    for encoding in ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise NoTable(gettext_noop("The file is no CSV."))


def _workbook(content: bytes) -> list[list[str]]:
    """The first sheet."""
    try:
        with ZipFile(BytesIO(content)) as archive:
            unpacked = sum(part.file_size for part in archive.infolist())
        if unpacked > MOST_UNPACKED:
            raise NoTable(gettext_noop("The file is larger than 5 MB."))
        book = openpyxl.load_workbook(BytesIO(content), read_only=True, data_only=True)
        rows = book.worksheets[0].iter_rows(
            max_row=MOST_ROWS + 2, max_col=MOST_COLUMNS, values_only=True
        )
        return [_trimmed([_cell(value) for value in row]) for row in rows]
    except (BadZipFile, KeyError, ValueError, IndexError, OSError):
        raise NoTable(gettext_noop("The file is no XLSX.")) from None


def _trimmed(row: list[str]) -> list[str]:
    """Without the empty columns to the right, of which a sheet has many."""
    filled = [number for number, cell in enumerate(row, start=1) if cell]
    return row[: max(filled, default=0)]


def _cell(value: Any) -> str:
    """A number of a spreadsheet is a float, even when it is an id."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value).strip()
