"""Reading of CSV and XLSX files, and rejection of invalid ones."""

import time
from collections.abc import Sequence
from contextlib import suppress
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
import xlsxwriter

from shortlinks.domain.imports import file_errors, spreadsheets, workbook_reader
from shortlinks.domain.imports.file_errors import MissingHeader, UnreadableFile
from shortlinks.domain.imports.spreadsheets import ParsedRow
from tests import importing

HEADERS = {"id": "entity_id", "name": "name"}
TOO_MANY = b"id\n" + b"1\n" * (spreadsheets.MAX_ROWS + 1)


def _columns(names: Sequence[str]) -> list[str]:
    return [HEADERS.get(name, "") for name in names]


def _rows(content: bytes) -> list[ParsedRow]:
    return list(spreadsheets.parse(content, _columns).rows)


DAMAGED = f"{file_errors.DAMAGED_UTF_8}\n{{}}"
STRINGS_ELSEWHERE = (
    b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    b'<Override PartName="/xl/other.xml" ContentType="application/vnd.openxmlformats-'
    b'officedocument.spreadsheetml.sharedStrings+xml"/></Types>'
)


def _archive(**parts: bytes) -> bytes:
    file = BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        "id,name\n7,Анна\n".encode(),
        "id;name\r\n7;Анна\r\n".encode("utf-8-sig"),
        "id\tname\n7\tАнна\n".encode("cp1251"),
        importing.workbook(["id", "name"], [7, "Анна"]),
        "id,name\n\n7,Анна\n".encode(),
        "id\tname\r\n7\tАнна\r\n".encode("utf-16"),
        "id\tname\r\n7\tАнна\r\n".encode("utf-16-be"),
        "id\tname\r\n7\tАнна\r\n".encode("utf-16-le"),
        "sep=;\r\nid;name\r\n7;Анна\r\n".encode("utf-8-sig"),
        '"sep=|"\nid|name\n7|Анна\n'.encode(),
        "ID , Name\u200b\n\u200b7\ufeff,\u00a0Анна\n".encode(),
        "id,name,,\n7,Анна,,,\n".encode(),
    ],
    ids=[
        *("commas", "semicolons", "tabs of an old Excel", "XLSX"),
        *("an empty row", "Unicode text of Excel", "UTF-16BE", "UTF-16LE"),
        *("separator named", "another separator", "invisible characters"),
        "empty columns",
    ],
)
def test_file_is_parsed_in_each_format(content: bytes) -> None:
    [row] = _rows(content)

    assert (row.cells, row.errors) == ({"entity_id": "7", "name": "Анна"}, [])


def test_old_excel_is_recognized_although_a_line_is_also_valid_utf_8() -> None:
    rows = _rows("name\nАнна\nМё\nПётр\n".encode("cp1251"))

    assert [row.cells["name"] for row in rows] == ["Анна", "Мё", "Пётр"]


def test_rows_are_numbered_as_in_the_file() -> None:
    content = importing.workbook(["id"], [7], [], [8])

    assert [row.number for row in _rows(content)] == [2, 4]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"x" * (spreadsheets.MAX_FILE_BYTES + 1), file_errors.TOO_LARGE),
        (TOO_MANY, file_errors.TOO_MANY_ROWS),
        (
            b"id" + b",x" * spreadsheets.MAX_COLUMNS + b"\n1",
            file_errors.TOO_MANY_COLUMNS,
        ),
        (b'id\n"' + b"x" * 200_000, file_errors.INVALID_CSV),
        ("id\nАнна\nПётр\n".encode() + b"A\xe9\n", DAMAGED.format(4)),
        ("id\nИван\n".encode("utf-8-sig") + b"\xd0,\n", DAMAGED.format(3)),
        (b"\x98\xff\x00", file_errors.INVALID_CSV),
        (b"PK\x03\x04 no archive", file_errors.INVALID_XLSX),
        (_archive(readme=b"hello"), file_errors.INVALID_XLSX),
        (
            _archive(bomb=bytes(workbook_reader.MAX_UNPACKED_BYTES + 1)),
            file_errors.TOO_LARGE_UNPACKED,
        ),
        (
            _archive(
                **{
                    "xl/sharedStrings.xml": bytes(
                        workbook_reader.MAX_SHARED_STRINGS_BYTES + 1
                    )
                }
            ),
            file_errors.TOO_LARGE_UNPACKED,
        ),
        (
            _archive(
                **{
                    "[Content_Types].xml": STRINGS_ELSEWHERE,
                    "xl/other.xml": bytes(workbook_reader.MAX_SHARED_STRINGS_BYTES + 1),
                }
            ),
            file_errors.TOO_LARGE_UNPACKED,
        ),
        (
            _archive(**{"xl/styles.xml": bytes(workbook_reader.MAX_STYLES_BYTES + 1)}),
            file_errors.TOO_LARGE_UNPACKED,
        ),
    ],
    ids=[
        *("bytes", "rows", "columns", "a huge cell", "damaged", "damaged with a mark"),
        *("no text", "broken", "no workbook", "bomb", "bomb of texts"),
        *("bomb of texts elsewhere", "bomb of styles"),
    ],
)
def test_count_rows_rejects_an_invalid_file(content: bytes, message: str) -> None:
    with pytest.raises(UnreadableFile, match=message):
        spreadsheets.count_rows(content, _columns)


@pytest.mark.parametrize("content", [b"phone\n1\n", b"", b"\n\n"])
def test_count_rows_rejects_a_file_without_a_header(content: bytes) -> None:
    with pytest.raises(MissingHeader):
        spreadsheets.count_rows(content, _columns)


@pytest.mark.parametrize(
    "parts",
    [
        {"[Content_Types].xml": b"<Types"},
        {"[Content_Types].xml": b"<Types/>"},
        {"[Content_Types].xml": b"", "xl/workbook.xml": b"<workbook/>"},
    ],
)
def test_broken_workbook_is_rejected(parts: dict[str, bytes]) -> None:
    content = _archive(**parts)

    with pytest.raises(UnreadableFile, match=file_errors.INVALID_XLSX):
        _rows(content)


def test_workbook_with_too_many_columns_is_rejected() -> None:
    content = importing.workbook(["id", *(["name"] * spreadsheets.MAX_COLUMNS)], [7])

    with pytest.raises(UnreadableFile, match=file_errors.TOO_MANY_COLUMNS):
        _rows(content)


def test_unknown_columns_and_other_sheets_are_named() -> None:
    file = BytesIO()
    with xlsxwriter.Workbook(file) as book:
        hidden, first, second, _empty = (book.add_worksheet(name) for name in "HABE")
        hidden.write_row(0, 0, ["id", "name"])
        hidden.hide()
        first.write_row(0, 0, ["id", "Phone", "Row", "Ошибки"])
        first.write_row(1, 0, [7, 5550100, 2, "x"])
        second.write_row(0, 0, ["id", "name"])
        first.activate()
        first.set_first_sheet()

    table = spreadsheets.parse(file.getvalue(), _columns)

    assert list(table.rows) == [ParsedRow(2, {"entity_id": "7"}, [])]
    assert (table.ignored_columns, table.ignored_sheets) == (["Phone"], ["B"])


def test_two_columns_for_one_field_are_rejected_by_name() -> None:
    content = b"id;Name; NAME \n7;Anna;Vera\n"

    with pytest.raises(UnreadableFile) as error:
        spreadsheets.count_rows(content, _columns)

    message = file_errors.translate(str(error.value))
    assert message.endswith("Keep one of them: Name, NAME")


def test_cells_without_a_column_name_are_an_error_of_their_row() -> None:
    content = b"id,name,\n1,Smith, Ann\n2,Smith,\n3,Smith,,x\n4,Smith,,,\n"

    errors = {row.number: row.errors for row in _rows(content)}

    assert errors == {
        2: [file_errors.EXTRA_CELLS],
        3: [],
        4: [file_errors.EXTRA_CELLS],
        5: [],
    }


@pytest.mark.parametrize(
    "line", ['5;"Anna', '5;"Anna" B', '5;"Anna;B', '5;"An"na"', '"5;Anna']
)
def test_lone_quotation_mark_spoils_only_its_own_row(line: str) -> None:
    content = f'id;name\n1;"A\nB"\n{line}\n6;"Olga ""O"""\n7;Vera\n'.encode()

    rows = [(row.number, row.cells["entity_id"], row.errors) for row in _rows(content)]

    assert rows == [
        (2, "1", []),
        (3, line.split(";")[0], [file_errors.INVALID_QUOTE]),
        (4, "6", []),
        (5, "7", []),
    ]


def test_lone_quotation_mark_at_the_end_spoils_only_its_own_row() -> None:
    rows = _rows(b'id;name\n1;"A\n2;B\n')

    assert [(row.number, list(row.errors)) for row in rows] == [
        (2, [file_errors.INVALID_QUOTE]),
        (3, []),
    ]


def _workbook_of(row: str, attributes: str = 'r="2"') -> bytes:
    """Return a workbook with the columns id and name, and one row of XML."""
    content = importing.workbook(["id", "name"], [7])
    parts = {}
    with ZipFile(BytesIO(content)) as book:
        for name in book.namelist():
            parts[name] = book.read(name)
    sheet = parts["xl/worksheets/sheet1.xml"].decode()
    head, _, tail = sheet.partition('<row r="2"')
    _, _, tail = tail.partition("</row>")
    row = f"<row {attributes}>{row}</row>"
    parts["xl/worksheets/sheet1.xml"] = f"{head}{row}{tail}".encode()
    return _archive(**parts)


@pytest.mark.parametrize(
    ("cell", "error"),
    [
        ('<c r="B2"><f>A1</f><v></v></c>', file_errors.NO_FORMULA_VALUE),
        ('<c r="B2"><f>A1</f></c>', file_errors.NO_FORMULA_VALUE),
        ('<c r="B2" t="e"><f>1/0</f><v>#DIV/0!</v></c>', file_errors.ERROR_VALUE),
        ('<c r="B2"><v>1234567890123456</v></c>', file_errors.ROUNDED_NUMBER),
        ('<c r="B2"><v>1.5E+40</v></c>', file_errors.ROUNDED_NUMBER),
    ],
)
def test_invalid_cell_of_a_workbook_is_an_error_with_its_column(
    cell: str, error: str
) -> None:
    [row] = _rows(_workbook_of(f'<c r="A2"><v>7</v></c>{cell}'))

    assert (row.cells["entity_id"], row.errors) == ("7", [f"{error}\nname"])


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('<c r="B2" t="str"><f>""</f><v></v></c>', ""),
        ('<c r="B2" t="str"><f>A1</f><v>Anna</v></c>', "Anna"),
        ('<c r="C2"><v>1234567890123456</v></c>', ""),
    ],
    ids=["formula without text", "formula with its value", "beyond the columns"],
)
def test_other_cells_of_a_workbook_are_read(cell: str, text: str) -> None:
    [row] = _rows(_workbook_of(f'<c r="A2"><v>7</v></c>{cell}'))

    assert row.cells.get("name", "") == text


@pytest.mark.parametrize("encoding", ["utf-8", "cp1251", "utf-16"])
def test_cell_with_a_nul_is_an_error_of_its_row(encoding: str) -> None:
    content = "id,name,other\n7,Ан\0на,\n8,Ольга,x\0\n".encode(encoding)

    rows = _rows(content)

    assert [(row.cells["entity_id"], row.errors) for row in rows] == [
        ("7", [f"{file_errors.NUL_CHARACTER}\nname"]),
        ("8", []),
    ]


@pytest.mark.parametrize(
    ("cell", "text", "errors"),
    [
        ("=1+1", "=1+1", []),
        ("'=1+1", "=1+1", []),
        ('Ol"ga"', 'Ol"ga"', []),
        ('"Ol""ga"', 'Ol"ga', []),
        ('"Olga', '"Olga', [file_errors.INVALID_QUOTE]),
        ('"Olga"x', '"Olga"x', [file_errors.INVALID_QUOTE]),
    ],
)
def test_formulas_and_quotation_marks_of_a_csv_cell(
    cell: str, text: str, errors: list[str]
) -> None:
    [row, after] = _rows(f"id,name\n7,{cell}\n8,Anna\n".encode())

    assert (row.cells["name"], row.errors) == (text, errors)
    assert after.errors == []


@pytest.mark.parametrize("number", [1_048_577, 99_999_999_999])
def test_row_numbers_beyond_a_sheet_are_rejected(number: int) -> None:
    content = _workbook_of("<c><v>7</v></c>", f'r="{number}"')

    with pytest.raises(UnreadableFile, match="below row"):
        _rows(content)


def test_row_numbers_of_a_workbook_always_rise() -> None:
    two = '<c><v>7</v></c></row><row r="1"><c><v>8</v></c>'

    assert [row.number for row in _rows(_workbook_of(two))] == [2, 3]


@pytest.mark.parametrize(
    "content",
    [
        _workbook_of("<c><v>7</v></c>", 'r="1048576"'),
        b"id\n" + b"\n" * (spreadsheets.MAX_FILE_BYTES - 3),
        b"id;name\n" + b'a";"\n' * 50_000,
        b"id;name\n" + (b"a" * 14_000 + b'";"\n') * 1_400,
    ],
    ids=["one row at the end", "empty lines", "quotation marks", "long lines"],
)
def test_costly_file_is_read_within_seconds(content: bytes) -> None:
    started = time.process_time()

    with suppress(UnreadableFile):
        _rows(content)

    assert time.process_time() - started < 5
