"""Files of any content are read, or refused with a message for the user."""

from collections.abc import Callable, Sequence
from io import BytesIO
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZIP_STORED, ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlinks.domain.imports import file_errors, spreadsheets
from shortlinks.domain.imports.file_errors import MissingHeader, UnreadableFile
from tests import importing

HEADERS = {"id": "entity_id", "name": "name"}
WORKBOOK = importing.workbook(["id", "name"], [7, "Anna"], [8, "Vera"])
PARTS = (
    *("xl/worksheets/sheet1.xml", "xl/workbook.xml"),
    *("xl/styles.xml", "xl/sharedStrings.xml"),
)
COMPRESSIONS = (ZIP_STORED, ZIP_DEFLATED, ZIP_BZIP2, ZIP_LZMA)

TEXTS = st.sampled_from(
    [
        *("id;name\n", "7;Anna\n", "sep=|\n", "id", "name", "\n", "\r", "\r\n"),
        *(";", ",", "\t", "|", '"', '""', "\0", "\ufeff", "\u2028", "=1", "é"),
    ]
)
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1251"])
TABLES = st.builds(
    lambda parts, encoding: "".join(parts).encode(encoding, "replace"),
    st.lists(TEXTS | st.text(max_size=4), max_size=30),
    ENCODINGS,
)
PIECES = st.sampled_from(
    [
        *(b"<row>", b"</row>", b'<row r="x">', b"<x>", b"&", b"<", b"\0", b"\xff"),
        *(b'<c t="s"><v>99</v></c>', b'<c t="d"><v>0-0-0</v></c>', b'<c r="A0">'),
        *(b'<c s="99"><v>1</v></c>', b"<c><v>1e999</v></c>", b'<c t="inlineStr"/>'),
        *(b'<c><f t="shared" si="1">A1</f></c>', b'<?xml encoding="none"?>', b"A"),
    ]
)


def _columns(names: Sequence[str]) -> list[str]:
    return [HEADERS.get(name, "") for name in names]


def _is_read(content: bytes) -> bool:
    """Return whether the file was read, and check its rows."""
    last = 1
    try:
        spreadsheets.count_rows(content, _columns)
        for row in spreadsheets.parse(content, _columns).rows:
            assert row.number > last
            assert all("\0" not in cell for cell in row.cells.values())
            last = row.number
    except (MissingHeader, UnreadableFile):
        return False
    return True


def _workbook(change: Callable[[str, bytes], bytes], compression: int) -> bytes:
    """Return the workbook after a change to each of its parts."""
    file = BytesIO()
    with (
        ZipFile(BytesIO(WORKBOOK)) as old,
        ZipFile(file, "w", compression) as new,
    ):
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return file.getvalue()


def _with_password(content: bytes) -> bytes:
    """Set the flag of encryption in all headers of the archive."""
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        first, *parts = content.split(signature)
        offset = place - len(signature)
        flagged = [
            part[:offset] + bytes([part[offset] | 1]) + part[offset + 1 :]
            for part in parts
        ]
        content = signature.join([first, *flagged])
    return content


def _replace(place: int, old: bytes, new: bytes) -> bytes:
    at = place % (len(old) + 1)
    return old[:at] + new + old[at + len(new) :]


@given(TABLES | st.binary(max_size=200))
def test_any_table_is_read_or_refused(content: bytes) -> None:
    _is_read(content)


@settings(max_examples=60, deadline=None)
@given(
    part=st.sampled_from(PARTS),
    tag=st.integers(0, 100),
    piece=PIECES | st.binary(max_size=4),
    compression=st.sampled_from(COMPRESSIONS),
)
def test_workbook_with_a_damaged_part_is_read_or_refused(
    part: str, tag: int, piece: bytes, compression: int
) -> None:
    def damage(name: str, xml: bytes) -> bytes:
        if name != part:
            return xml
        tags = xml.split(b"<")
        place = tag % len(tags)
        return b"<".join(tags[:place]) + piece + b"<" + b"<".join(tags[place:])

    _is_read(_workbook(damage, compression))


@settings(max_examples=60, deadline=None)
@given(
    place=st.integers(0, len(WORKBOOK)),
    piece=st.binary(min_size=1, max_size=4),
    compression=st.sampled_from(COMPRESSIONS),
)
def test_damaged_archive_is_read_or_refused(
    place: int, piece: bytes, compression: int
) -> None:
    whole = _workbook(lambda _, xml: xml, compression)

    _is_read(_replace(place, whole, piece))


@pytest.mark.parametrize(
    "content",
    [
        _with_password(WORKBOOK),
        _workbook(lambda _, xml: xml.replace(b"UTF-8", b"UTF-0"), ZIP_DEFLATED),
        _workbook(lambda _, xml: xml, ZIP_LZMA).replace(b"\x5d\0\0", b"\xff\0\0"),
    ],
    ids=["password", "unknown encoding", "broken LZMA"],
)
def test_workbook_that_cannot_be_unpacked_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableFile, match=file_errors.INVALID_XLSX):
        list(spreadsheets.parse(content, _columns).rows)


def test_undamaged_workbook_is_read() -> None:
    for compression in COMPRESSIONS:
        assert _is_read(_workbook(lambda _, xml: xml, compression))
