"""Tables for download: no text runs as a formula, and numbers stay numbers."""

import ast
import csv
from collections.abc import Iterator
from datetime import date
from io import BytesIO, StringIO
from pathlib import Path

import openpyxl
import pytest
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

import shortlinks
from shortlinks.admin import exports
from shortlinks.domain import formulas
from shortlinks.domain.imports import spreadsheets

PACKAGE = Path(shortlinks.__file__).parent
DELIMITERS = {"en": ",", "ru": ";"}
SIGNS = "=+-@＝＋－＠"
PIECES = st.sampled_from(
    [
        *("=1", "+1", "-1", "@x", "＝1", "\t", "\r", "\n", " ", "\u00a0", "\u200b"),
        *(",", ";", "|", "'", '"', '""', "a", "Анна", "=HYPERLINK(1)", "=cmd|' /C'!A0"),
    ]
)
# XLSX has no control characters, and an import ignores what surrounds a cell.
TEXTS = st.lists(PIECES, max_size=8).map("".join)
ROWS = st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4)
LANGUAGES = st.sampled_from(sorted(DELIMITERS))


def _csv(rows: list[tuple[object, ...]], language: str) -> str:
    with translation.override(language):
        content, _ = exports.as_csv(rows)
    return content.decode("utf-8-sig")


def _is_formula(cell: str) -> bool:
    return cell.strip(' \u00a0\u200b"')[:1] in {*SIGNS}


def _trimmed(text: str) -> str:
    return text.strip().strip(spreadsheets.INVISIBLE).strip()


@given(ROWS, LANGUAGES)
def test_no_program_finds_a_formula_in_csv(
    rows: list[tuple[str, str]], language: str
) -> None:
    """Excel may split a file at another separator than ours, also inside of cells."""
    text = _csv([*rows], language)

    for delimiter in ",;\t|":
        lines = StringIO(text, newline="")
        for row in csv.reader(lines, delimiter=delimiter):
            assert not any(map(_is_formula, row))


@given(ROWS, LANGUAGES)
def test_import_reads_the_texts_of_a_csv_export(
    rows: list[tuple[str, str]], language: str
) -> None:
    text = _csv([("id", "name"), *rows], language)

    table = spreadsheets.parse(text.encode(), lambda names: names)

    found = [(row.cells["id"], row.cells["name"]) for row in table.rows]
    trimmed = [tuple(map(_trimmed, row)) for row in rows]
    assert list(filter(any, found)) == list(filter(any, trimmed))


@settings(deadline=None)
@given(ROWS)
def test_workbook_has_no_formulas(rows: list[tuple[str, str]]) -> None:
    content, _ = exports.as_workbook({"A": rows})

    sheet = openpyxl.load_workbook(BytesIO(content)).active
    cells = [cell for row in sheet.iter_rows() for cell in row if cell.value]
    assert all(cell.data_type == "s" for cell in cells)
    assert not any(_is_formula(cell.value) for cell in cells)


@pytest.mark.parametrize("language", DELIMITERS)
def test_csv_has_columns_for_the_excel_of_the_language(language: str) -> None:
    rows = [("Анна", 7, -7, 1.5, date(2026, 11, 27), "a;b,c")]

    [cells] = csv.reader(
        StringIO(_csv([*rows], language)), delimiter=DELIMITERS[language]
    )

    assert cells == ["Анна", "7", "-7", "1.5", "2026-11-27", "a;b,c"]
    assert exports.as_csv(rows)[0].startswith(b"\xef\xbb\xbf")


def test_workbook_has_numbers_and_days() -> None:
    rows = [("7", 7, -7, 1.5, date(2026, 11, 27))]

    content, _ = exports.as_workbook({"A": rows})

    sheet = openpyxl.load_workbook(BytesIO(content)).active
    types = [cell.data_type for row in sheet.iter_rows() for cell in row]
    assert types == ["s", "n", "n", "n", "d"]


def _modules() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE), ast.parse(path.read_text())


def _names(tree: ast.Module) -> Iterator[str]:
    """Yield what a module imports, what it takes from modules, and its texts' types."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Constant) and "text/csv" in str(node.value):
            yield "text/csv"


def test_tables_are_written_in_one_module_only() -> None:
    writing = {
        str(path)
        for path, tree in _modules()
        if {*_names(tree)} & {"writer", "DictWriter", "xlsxwriter", "text/csv"}
    }

    assert writing == {"admin/exports.py"}


def test_escape_of_a_workbook_leaves_urls_as_they_are() -> None:
    url = "https://shop.example/?at=59.9,-30.3"

    assert formulas.escape(url) == url
