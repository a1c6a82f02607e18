"""Reading CSV and XLSX files: their header, and their rows one by one."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from shortlinks.domain import formulas
from shortlinks.domain.imports import csv_reader, workbook_reader
from shortlinks.domain.imports.file_errors import (
    DUPLICATE_COLUMNS,
    EXTRA_CELLS,
    NUL_CHARACTER,
    TOO_LARGE,
    TOO_LONG,
    TOO_MANY_COLUMNS,
    TOO_MANY_ROWS,
    MissingHeader,
    UnreadableFile,
    with_names,
)
from shortlinks.domain.imports.raw_rows import InvalidCell, RawRow

MAX_FILE_BYTES = 20 * 1024 * 1024
MAX_ROWS = 100_000  # that are not empty
LAST_ROW = 1_048_576  # of a sheet; some sheets are that long because of styles
MAX_COLUMNS = 50
MAX_CELL_LENGTH = 1_000  # characters; any longer cell is an error of the row
# Around cells that were copied from web pages and messengers.
INVISIBLE = "\ufeff\u200b\u2060"
# Added by the file that lists rows with errors, in both languages.
ERROR_COLUMNS = {"row", "errors", "строка", "ошибки"}

# Returns the column of each name in a header, "" for an unknown one.
FindColumns = Callable[[Sequence[str]], Sequence[str]]


class ParsedRow(NamedTuple):
    """A numbered row of the file, with its cells by column."""

    number: int
    cells: dict[str, str]
    errors: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a file. A column is "" if its name is not imported."""

    names: Sequence[str]
    columns: Sequence[str]

    @property
    def ignored(self) -> list[str]:
        pairs = zip(self.names, self.columns, strict=True)
        unknown = [name for name, column in pairs if name and not column]
        return [name for name in unknown if name.lower() not in ERROR_COLUMNS]


@dataclass(frozen=True, slots=True)
class ParsedTable:
    """The rows that are not empty, and what the file contains besides."""

    rows: Iterator[ParsedRow]
    ignored_columns: Sequence[str]
    ignored_sheets: Sequence[str]


def count_rows(content: bytes, find_columns: FindColumns) -> int | None:
    """Return the number of rows, or None for a workbook, which takes seconds to read.

    Raises UnreadableFile or MissingHeader, as far as that can be found quickly.
    """
    if len(content) > MAX_FILE_BYTES:
        raise UnreadableFile(TOO_LARGE)
    if _is_workbook(content):
        workbook_reader.check_archive_size(content)
        return None
    return sum(1 for _ in parse(content, find_columns).rows)


def parse(content: bytes, find_columns: FindColumns) -> ParsedTable:
    """Read the header; the rows are read while they are used.

    Reading either may raise UnreadableFile; the header may also raise MissingHeader.
    """
    ignored_sheets: Sequence[str] = ()
    if _is_workbook(content):
        book = workbook_reader.Workbook(content)
        rows, ignored_sheets = book.rows(), book.ignored_sheets
    else:
        rows = csv_reader.read(content)
    header = _header(next(rows, RawRow(1, ())), find_columns)
    return ParsedTable(_parsed_rows(rows, header), header.ignored, ignored_sheets)


def _header(row: RawRow, find_columns: FindColumns) -> Header:
    if row.error:
        raise UnreadableFile(row.error)
    cells = _trimmed(row.cells)
    if len(cells) > MAX_COLUMNS:
        raise UnreadableFile(TOO_MANY_COLUMNS)
    names = [" ".join(_clean(cell).split()) for cell in cells]
    columns = find_columns([name.lower() for name in names])
    if row.number > 1 or not any(columns):
        raise MissingHeader
    counts = Counter(filter(None, columns))
    pairs = zip(names, columns, strict=True)
    if same := [name for name, column in pairs if counts[column] > 1]:
        raise UnreadableFile(with_names(DUPLICATE_COLUMNS, same))
    return Header(names, columns)


def _parsed_rows(rows: Iterator[RawRow], header: Header) -> Iterator[ParsedRow]:
    filled = 0
    for row in rows:
        if row.number > LAST_ROW:
            raise UnreadableFile(TOO_LONG)
        if row.error or any(map(_is_filled, row.cells)):
            filled += 1
            if filled > MAX_ROWS:
                raise UnreadableFile(TOO_MANY_ROWS)
            yield _parsed_row(row, header)


def _parsed_row(row: RawRow, header: Header) -> ParsedRow:
    cells = list(zip(header.names, header.columns, row.cells, strict=False))
    errors = [
        with_names(error, [name])
        for name, column, cell in cells
        if column and (error := _cell_error(cell))
    ]
    if row.error:
        errors.append(row.error)
    elif _has_extra_cells(row, header):
        errors.append(EXTRA_CELLS)
    known = {column: _clean(cell) for _, column, cell in cells if column}
    return ParsedRow(row.number, known, errors)


def _cell_error(cell: str) -> str:
    if "\0" in cell:  # Postgres cannot store it, and the API rejects it
        return NUL_CHARACTER
    return cell.error if isinstance(cell, InvalidCell) else ""


def _has_extra_cells(row: RawRow, header: Header) -> bool:
    """Return whether a cell has no column name, often because of a lone separator."""
    width = len(header.names)
    unnamed = [c for c, name in zip(row.cells, header.names, strict=False) if not name]
    return any(map(_is_filled, (*unnamed, *row.cells[width:])))


def _clean(cell: str) -> str:
    """Shorten the cell and remove NUL, so that it can be stored with its error."""
    text = cell[:MAX_CELL_LENGTH].replace("\0", "")
    return formulas.unescape(text).strip().strip(INVISIBLE).strip()


def _is_filled(cell: str) -> bool:
    return isinstance(cell, InvalidCell) or bool(cell.strip())


def _trimmed(cells: Sequence[str]) -> Sequence[str]:
    """Remove empty columns on the right; many sheets have them."""
    filled = [number for number, cell in enumerate(cells, start=1) if cell.strip()]
    return cells[: max(filled, default=0)]


def _is_workbook(content: bytes) -> bool:
    return content[:2] == b"PK"
