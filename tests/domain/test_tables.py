"""Files that people bring: what is read of them, and what is refused."""

from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from shortlinks.domain import tables
from shortlinks.domain.tables import MissingHeader, UnreadableFile
from tests import importing

HEADS = {"id": "entity_id", "name": "name"}
TOO_MANY = b"id\n" + b"1\n" * (tables.MAX_ROWS + 1)


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
        "id,name\n\n7,Ан\0на\n".encode(),
    ],
    ids=["commas", "semicolons", "tabs of an old Excel", "XLSX", "an empty row, a NUL"],
)
def test_tables_are_read_as_people_bring_them(content: bytes) -> None:
    [(_, given)] = tables.parse_rows(tables.read(content), HEADS)

    assert given == {"entity_id": "7", "name": "Анна"}


def test_rows_have_their_numbers_in_the_file() -> None:
    content = importing.workbook(["id"], [7], [], [8])

    numbers = [number for number, _ in tables.parse_rows(tables.read(content), HEADS)]

    assert numbers == [2, 4]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"x" * (tables.MAX_FILE_BYTES + 1), tables.TOO_LARGE),
        (TOO_MANY, tables.TOO_MANY_ROWS),
        (b"id" + b"," * tables.MAX_COLUMNS + b"\n1", tables.TOO_MANY_COLUMNS),
        (b'id\n"' + b"x" * 200_000, tables.INVALID_CSV),
        (b"\x98\xff\x00", tables.INVALID_CSV),
        (b"PK\x03\x04 no archive", tables.INVALID_XLSX),
        (_archive(readme=b"hello"), tables.INVALID_XLSX),
        (_archive(bomb=bytes(tables.MAX_UNPACKED_BYTES + 1)), tables.TOO_LARGE_UNPACKED),
        (
            _archive(**{"xl/sharedStrings.xml": bytes(tables.MAX_SHARED_STRINGS_BYTES + 1)}),
            tables.TOO_LARGE_UNPACKED,
        ),
        (
            _archive(**{"xl/styles.xml": bytes(tables.MAX_STYLES_BYTES + 1)}),
            tables.TOO_LARGE_UNPACKED,
        ),
    ],
    ids=[
        *("bytes", "rows", "columns", "a huge cell", "no text", "broken"),
        *("no workbook", "bomb", "bomb of texts", "bomb of styles"),
    ],
)
def test_what_is_no_table_is_refused_at_once(content: bytes, why: str) -> None:
    with pytest.raises(UnreadableFile, match=why):
        tables.count_rows(content, HEADS)


@pytest.mark.parametrize("content", [b"phone\n1\n", b"", b"\n\n"])
def test_a_table_without_a_head_is_refused_at_once(content: bytes) -> None:
    with pytest.raises(MissingHeader):
        tables.count_rows(content, HEADS)


@pytest.mark.parametrize(
    "parts",
    [
        {"[Content_Types].xml": b"<Types"},
        {"[Content_Types].xml": b"<Types/>"},
        {"[Content_Types].xml": b"", "xl/workbook.xml": b"<workbook/>"},
    ],
)
def test_a_broken_workbook_is_refused_when_it_is_read(parts: dict[str, bytes]) -> None:
    content = _archive(**parts)
    tables.count_rows(content, HEADS)

    with pytest.raises(UnreadableFile, match=tables.INVALID_XLSX):
        list(tables.read(content))


def test_a_workbook_of_too_many_columns_is_refused() -> None:
    content = importing.workbook(["id", *(["name"] * tables.MAX_COLUMNS)], [7])

    with pytest.raises(UnreadableFile, match=tables.TOO_MANY_COLUMNS):
        list(tables.parse_rows(tables.read(content), HEADS))
