"""Reading of XLSX files, row by row to save memory."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from typing import Any
from xml.etree.ElementTree import Element
from zipfile import ZipFile

import openpyxl
from openpyxl.packaging.manifest import Manifest
from openpyxl.worksheet._reader import FORMULA_TAG, WorkSheetParser
from openpyxl.xml.constants import (
    ARC_CONTENT_TYPES,
    ARC_SHARED_STRINGS,
    ARC_STYLE,
    SHARED_STRINGS,
)
from openpyxl.xml.functions import fromstring

from shortlinks.domain.imports.file_errors import (
    ERROR_VALUE,
    INVALID_XLSX,
    NO_FORMULA_VALUE,
    ROUNDED_NUMBER,
    TOO_LARGE_UNPACKED,
    UnreadableFile,
)
from shortlinks.domain.imports.raw_rows import InvalidCell, RawRow

MAX_UNPACKED_BYTES = 100 * 1024 * 1024
# Parts of a workbook that openpyxl keeps in memory, at many times their size.
MAX_SHARED_STRINGS_BYTES = 40 * 1024 * 1024
MAX_STYLES_BYTES = 2 * 1024 * 1024
MAX_TYPES_BYTES = 2 * 1024 * 1024
MAX_BYTES = {
    ARC_CONTENT_TYPES: MAX_TYPES_BYTES,
    ARC_STYLE: MAX_STYLES_BYTES,
    ARC_SHARED_STRINGS: MAX_SHARED_STRINGS_BYTES,
}
MAX_CELLS = 1_000  # of a row; cells further to the right count as the last one
ROUNDED_FROM = 10**15  # Excel has 15 significant digits


class Workbook:
    """An opened workbook. Raises UnreadableFile."""

    def __init__(self, content: bytes) -> None:
        check_archive_size(content)
        with _invalid_if_parsers_fail():
            self._book: Any = openpyxl.load_workbook(
                BytesIO(content), read_only=True, data_only=True
            )
        sheets = self._book.worksheets
        visible = [sheet for sheet in sheets if sheet.sheet_state == "visible"]
        if not visible:
            raise UnreadableFile(INVALID_XLSX)
        self._sheet = visible[0]
        self.ignored_sheets = [
            str(sheet.title) for sheet in visible[1:] if _has_cells(sheet)
        ]

    def rows(self) -> Iterator[RawRow]:
        """Yield the rows of the first visible sheet; gaps in their numbers are empty.

        openpyxl would fill these gaps: a million rows for one cell far below.
        """
        last = 0
        for number, cells in self._parsed_rows():
            last = max(number, last + 1)
            yield RawRow(last, _texts(cells))

    def _parsed_rows(self) -> Iterator[tuple[int, list[dict[str, Any]]]]:
        book, sheet = self._book, self._sheet
        with _invalid_if_parsers_fail(), sheet._get_source() as source:
            parser = _Parser(
                source,
                sheet._shared_strings,
                data_only=True,
                epoch=book.epoch,
                date_formats=book._date_formats,
                timedelta_formats=book._timedelta_formats,
            )
            yield from parser.parse()


class _Parser(WorkSheetParser):  # type: ignore[misc]  # openpyxl has no types
    """A parser that distinguishes formulas without a value from empty cells."""

    def parse_cell(self, element: Element) -> dict[str, Any]:
        cell: dict[str, Any] = super().parse_cell(element)
        has_result = cell["value"] is not None or element.get("t") == "str"  # even ""
        if not has_result and element.find(FORMULA_TAG) is not None:
            cell["value"] = InvalidCell("", NO_FORMULA_VALUE)
        return cell


def check_archive_size(content: bytes) -> None:
    """Check the sizes in the archive's directory, which limit the unpacking.

    openpyxl finds the shared strings by their type, whatever their name is.
    """
    with _invalid_if_parsers_fail(), ZipFile(BytesIO(content)) as archive:
        sizes = {part.filename: part.file_size for part in archive.infolist()}
    _check_sizes(sizes, MAX_BYTES)
    with _invalid_if_parsers_fail(), ZipFile(BytesIO(content)) as archive:
        types = Manifest.from_tree(fromstring(archive.read(ARC_CONTENT_TYPES)))
        names = [part.PartName.lstrip("/") for part in types.findall(SHARED_STRINGS)]
    _check_sizes(sizes, dict.fromkeys(names, MAX_SHARED_STRINGS_BYTES))


def _check_sizes(sizes: Mapping[str, int], limits: Mapping[str, int]) -> None:
    is_large = any(sizes.get(name, 0) > limit for name, limit in limits.items())
    if is_large or sum(sizes.values()) > MAX_UNPACKED_BYTES:
        raise UnreadableFile(TOO_LARGE_UNPACKED)


@contextmanager
def _invalid_if_parsers_fail() -> Iterator[None]:
    """Raise UnreadableFile for any error of openpyxl and the parsers that it uses."""
    try:
        yield
    except Exception:  # noqa: BLE001  damaged files raise errors of many kinds
        raise UnreadableFile(INVALID_XLSX) from None


def _has_cells(sheet: Any) -> bool:
    """Return False for the empty sheets that some programs add."""
    return (sheet.max_row or 2, sheet.max_column or 2) != (1, 1)


def _texts(cells: Iterable[dict[str, Any]]) -> list[str]:
    """Return the cells by their columns."""
    filled = {
        min(cell["column"], MAX_CELLS): text
        for cell in cells
        if (text := _text(cell)) is not None
    }
    return [filled.get(number, "") for number in range(1, max(filled, default=0) + 1)]


def _text(cell: dict[str, Any]) -> str | None:
    """Return the text of a cell, None if it is empty. Ids are stored as floats."""
    value = cell["value"]
    if value is None or isinstance(value, InvalidCell):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip()
    if cell["data_type"] == "e":
        return InvalidCell(text, ERROR_VALUE)
    if isinstance(value, int | float) and abs(value) >= ROUNDED_FROM:
        return InvalidCell(text, ROUNDED_NUMBER)
    return text or None
