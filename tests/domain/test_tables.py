"""Files that people bring: what is read of them, and what is refused."""

from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from shortlinks.domain.imports import spreadsheets
from shortlinks.domain.imports.spreadsheets import MissingHeader, UnreadableFile
from tests import importing

HEADS = {"id": "entity_id", "name": "name"}
TOO_MANY = b"id\n" + b"1\n" * (spreadsheets.MAX_ROWS + 1)


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
    [(_, given)] = spreadsheets.parse_rows(spreadsheets.read(content), HEADS)

    assert given == {"entity_id": "7", "name": "Анна"}


def test_rows_have_their_numbers_in_the_file() -> None:
    content = importing.workbook(["id"], [7], [], [8])

    numbers = [
        number
        for number, _ in spreadsheets.parse_rows(spreadsheets.read(content), HEADS)
    ]

    assert numbers == [2, 4]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"x" * (spreadsheets.MAX_FILE_BYTES + 1), spreadsheets.TOO_LARGE),
        (TOO_MANY, spreadsheets.TOO_MANY_ROWS),
        (
            b"id" + b"," * spreadsheets.MAX_COLUMNS + b"\n1",
            spreadsheets.TOO_MANY_COLUMNS,
        ),
        (b'id\n"' + b"x" * 200_000, spreadsheets.INVALID_CSV),
        (b"\x98\xff\x00", spreadsheets.INVALID_CSV),
        (b"PK\x03\x04 no archive", spreadsheets.INVALID_XLSX),
        (_archive(readme=b"hello"), spreadsheets.INVALID_XLSX),
        (
            _archive(bomb=bytes(spreadsheets.MAX_UNPACKED_BYTES + 1)),
            spreadsheets.TOO_LARGE_UNPACKED,
        ),
        (
            _archive(
                **{
                    "xl/sharedStrings.xml": bytes(
                        spreadsheets.MAX_SHARED_STRINGS_BYTES + 1
                    )
                }
            ),
            spreadsheets.TOO_LARGE_UNPACKED,
        ),
        (
            _archive(**{"xl/styles.xml": bytes(spreadsheets.MAX_STYLES_BYTES + 1)}),
            spreadsheets.TOO_LARGE_UNPACKED,
        ),
    ],
    ids=[
        *("bytes", "rows", "columns", "a huge cell", "no text", "broken"),
        *("no workbook", "bomb", "bomb of texts", "bomb of styles"),
    ],
)
def test_what_is_no_table_is_refused_at_once(content: bytes, why: str) -> None:
    with pytest.raises(UnreadableFile, match=why):
        spreadsheets.count_rows(content, HEADS)


@pytest.mark.parametrize("content", [b"phone\n1\n", b"", b"\n\n"])
def test_a_table_without_a_head_is_refused_at_once(content: bytes) -> None:
    with pytest.raises(MissingHeader):
        spreadsheets.count_rows(content, HEADS)


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
    spreadsheets.count_rows(content, HEADS)

    with pytest.raises(UnreadableFile, match=spreadsheets.INVALID_XLSX):
        list(spreadsheets.read(content))


def test_a_workbook_of_too_many_columns_is_refused() -> None:
    content = importing.workbook(["id", *(["name"] * spreadsheets.MAX_COLUMNS)], [7])

    with pytest.raises(UnreadableFile, match=spreadsheets.TOO_MANY_COLUMNS):
        list(spreadsheets.parse_rows(spreadsheets.read(content), HEADS))
