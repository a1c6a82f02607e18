"""Tables that people bring as files: CSV as spreadsheets write it, and XLSX.

Rows are read one after another: a table need not fit into memory as Python's objects.
"""

import csv
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO, TextIOWrapper
from typing import Any
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile, ZipFile

import openpyxl
from django.utils.translation import gettext_noop
from openpyxl.utils.exceptions import InvalidFileException

MAX_FILE_BYTES = 20 * 1024 * 1024
MAX_UNPACKED_BYTES = 100 * 1024 * 1024
# Parts of a workbook that openpyxl keeps in memory, at many times their size.
MAX_SHARED_STRINGS_BYTES = 40 * 1024 * 1024
MAX_STYLES_BYTES = 2 * 1024 * 1024
MAX_ROWS = 100_000  # that have something in them
MAX_COLUMNS = 50
LAST_ROW = 1_048_576  # of a sheet; styles alone make some that long
MAX_CELL_LENGTH = 1_000  # characters; more is a fault of the row, however much
DELIMITERS = ",;\t"
ENCODINGS = ("utf-8-sig", "cp1251")

TOO_LARGE = gettext_noop("The file is larger than 20 MB.")
TOO_LARGE_UNPACKED = gettext_noop("The file is too large when it is unpacked.")
TOO_MANY_ROWS = gettext_noop("The file has more than 100,000 rows.")
TOO_MANY_COLUMNS = gettext_noop("The file has more than 50 columns.")
INVALID_CSV = gettext_noop("The file is no CSV.")
INVALID_XLSX = gettext_noop("The file is no XLSX.")
# What openpyxl and what it reads with raise for files that are none.
PARSER_ERRORS = (
    *(AttributeError, BadZipFile, IndexError, InvalidFileException, KeyError, OSError),
    *(NotImplementedError, ParseError, TypeError, ValueError, zlib.error),
)

ParsedRow = tuple[int, dict[str, str]]  # a row's number in the file, its cells by name


class UnreadableFile(Exception):
    """The file is not one of the two, or too big; says which."""


class MissingHeader(Exception):
    """The columns are not named."""


def count_rows(content: bytes, heads: Mapping[str, str]) -> int | None:
    """How many rows there are; None of a workbook, which takes seconds to be read.

    NoTable or NoHead says what is wrong, as far as that can be told at once.
    """
    if len(content) > MAX_FILE_BYTES:
        raise UnreadableFile(TOO_LARGE)
    if _is_workbook(content):
        _check_archive_size(content)
        return None
    return sum(1 for _ in parse_rows(_csv(content), heads))


def read(content: bytes) -> Iterator[list[str]]:
    """The rows with their head, as texts; NoTable says why there are no more."""
    return _workbook(content) if _is_workbook(content) else _csv(content)


def parse_rows(
    rows: Iterable[Sequence[str]], heads: Mapping[str, str]
) -> Iterator[ParsedRow]:
    """The rows below the head that are not empty.

    `heads` tells a column by what its head may say; NoHead if none is known.
    """
    numbered = enumerate(rows, start=1)
    _, head = next(numbered, (0, ()))
    if len(head) > MAX_COLUMNS:
        raise UnreadableFile(TOO_MANY_COLUMNS)
    names = [heads.get(cell.strip().lower(), "") for cell in head]
    if not any(names):
        raise MissingHeader
    filled = 0
    for number, row in numbered:
        if any(cell.strip() for cell in row):
            filled += 1
            if filled > MAX_ROWS:
                raise UnreadableFile(TOO_MANY_ROWS)
            yield number, _parsed_row(names, row)


def _parsed_row(names: Sequence[str], row: Sequence[str]) -> dict[str, str]:
    cells = zip(names, row, strict=False)
    return {name: _clean(cell) for name, cell in cells if name}


def _clean(cell: str) -> str:
    """Postgres stores no NUL."""
    return cell[:MAX_CELL_LENGTH].replace("\0", "").strip()


def _is_workbook(content: bytes) -> bool:
    return content[:2] == b"PK"


def _csv(content: bytes) -> Iterator[list[str]]:
    encoding = _encoding(content)
    head = content.partition(b"\n")[0].decode(encoding)
    delimiter = max(DELIMITERS, key=head.count)
    lines = TextIOWrapper(BytesIO(content), encoding, newline="")
    try:
        yield from csv.reader(lines, delimiter=delimiter)
    except csv.Error:
        raise UnreadableFile(INVALID_CSV) from None


def _encoding(content: bytes) -> str:
    """UTF-8, or what an old Excel writes in Russia."""
    for encoding in ENCODINGS:
        try:
            content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    raise UnreadableFile(INVALID_CSV)


def _check_archive_size(content: bytes) -> None:
    """By what it says of its sizes: no more than that will be unpacked of it."""
    try:
        with ZipFile(BytesIO(content)) as archive:
            sizes = {part.filename: part.file_size for part in archive.infolist()}
    except PARSER_ERRORS:
        raise UnreadableFile(INVALID_XLSX) from None
    most = {
        "xl/sharedStrings.xml": MAX_SHARED_STRINGS_BYTES,
        "xl/styles.xml": MAX_STYLES_BYTES,
    }
    is_large = any(
        size > most.get(name, MAX_UNPACKED_BYTES) for name, size in sizes.items()
    )
    if is_large or sum(sizes.values()) > MAX_UNPACKED_BYTES:
        raise UnreadableFile(TOO_LARGE_UNPACKED)
    if "[Content_Types].xml" not in sizes:
        raise UnreadableFile(INVALID_XLSX)


def _workbook(content: bytes) -> Iterator[list[str]]:
    """The first sheet."""
    _check_archive_size(content)
    try:
        book = openpyxl.load_workbook(BytesIO(content), read_only=True, data_only=True)
        rows = book.worksheets[0].iter_rows(
            max_row=LAST_ROW, max_col=MAX_COLUMNS + 1, values_only=True
        )
        for row in rows:
            yield _trimmed([_cell(value) for value in row])
    except PARSER_ERRORS:
        raise UnreadableFile(INVALID_XLSX) from None


def _trimmed(row: list[str]) -> list[str]:
    """Without the empty columns to the right, of which a sheet has many."""
    filled = [number for number, cell in enumerate(row, start=1) if cell]
    return row[: max(filled, default=0)]


def _cell(value: Any) -> str:
    """A number of a spreadsheet is a float, even when it is an id."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value).strip()
