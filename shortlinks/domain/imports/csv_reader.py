"""Reading of CSV files, also with quotation marks that have no pair."""

import codecs
import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from io import BytesIO, TextIOWrapper

from shortlinks.domain.imports.file_errors import (
    DAMAGED_UTF_8,
    INVALID_CSV,
    INVALID_QUOTE,
    TOO_MANY_UNPAIRED_QUOTES,
    UnreadableFile,
    with_names,
)
from shortlinks.domain.imports.raw_rows import RawRow

DELIMITERS = ",;\t"
# Excel reads the separator from such a line, and does not show it.
SEPARATOR_LINE = re.compile(r'"?sep=(?P<delimiter>[,;|\t])"?\s*', re.IGNORECASE)
UTF_8 = "utf-8-sig"
ENCODINGS = (UTF_8, "cp1251")  # the second is that of old Russian programs
BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")
SAMPLE_BYTES = 4096
# Limits on all lines that are read again. Many short or some long ones take seconds.
MAX_REREAD_LINES = 1_000_000
MAX_REREAD_CHARACTERS = 50_000_000


def read(content: bytes) -> Iterator[RawRow]:
    """Yield all rows, numbered as a spreadsheet numbers them. Raises UnreadableFile."""
    file = TextIOWrapper(BytesIO(content), _encoding(content), newline="")
    lines = _Lines(file)
    delimiter = _delimiter(lines)
    for number, (cells, error) in enumerate(_records(lines, delimiter), start=1):
        yield RawRow(number, cells, error)


class _Lines:
    """The lines of a file; those of the current record can be read again."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._again: deque[str] = deque()
        self._reread_lines = self._reread_characters = 0
        self.current: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.current.append(line)
        return line

    def reread(self, start: int) -> None:
        """Return to a line of the current record. Raises UnreadableFile."""
        lines = self.current[start:]
        self._reread_lines += len(lines)
        self._reread_characters += sum(map(len, lines))
        has_many = self._reread_lines > MAX_REREAD_LINES
        if has_many or self._reread_characters > MAX_REREAD_CHARACTERS:
            raise UnreadableFile(TOO_MANY_UNPAIRED_QUOTES)
        self._again.extendleft(reversed(lines))
        self.current.clear()


def _records(lines: _Lines, delimiter: str) -> Iterator[tuple[list[str], str]]:
    """Yield the cells and the error of each record.

    A quotation mark without its pair spoils its own line, and not those after it.
    """
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.current.clear()
        try:
            cells, error = next(reader), ""
        except StopIteration:
            return
        except csv.Error:
            cells, error = _unquoted(lines.current[0], delimiter), INVALID_QUOTE
            lines.reread(1)
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
        yield cells, error


def _unquoted(line: str, delimiter: str) -> list[str]:
    try:
        [cells] = csv.reader([line], delimiter=delimiter, quoting=csv.QUOTE_NONE)
    except csv.Error:
        raise UnreadableFile(INVALID_CSV) from None
    return cells


def _delimiter(lines: _Lines) -> str:
    """Return the delimiter of a `sep=` line, or the most frequent of the header."""
    head = next(lines, "")
    if match := SEPARATOR_LINE.fullmatch(head):
        return match["delimiter"]
    lines.reread(0)
    return max(DELIMITERS, key=head.count)


def _encoding(content: bytes) -> str:
    for encoding in (*_utf_16(content[:SAMPLE_BYTES]), *ENCODINGS):
        if _decodes(content, encoding):
            return encoding
        if encoding == UTF_8:
            _refuse_damaged_utf_8(content)
    raise UnreadableFile(INVALID_CSV)


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _refuse_damaged_utf_8(content: bytes) -> None:
    """Raise UnreadableFile if most lines with other letters than Latin are UTF-8.

    A single wrong byte would make all names unreadable in the other encoding.
    """
    lines = enumerate(content.splitlines(), start=1)
    other = [(number, line) for number, line in lines if not line.isascii()]
    damaged = [number for number, line in other if not _decodes(line, UTF_8)]
    has_mark = content.startswith(codecs.BOM_UTF8)
    if has_mark or 2 * len(damaged) < len(other):
        raise UnreadableFile(with_names(DAMAGED_UTF_8, [str(damaged[0])]))


def _utf_16(sample: bytes) -> tuple[str, ...]:
    """Return the kind of UTF-16 that the file seems to have.

    Excel writes it as "Unicode text". Without a byte order mark, it is recognized by
    the zero bytes of Latin letters, digits and separators.
    """
    if sample.startswith(BYTE_ORDER_MARKS):
        return ("utf-16",)
    high, low = sample[::2].count(0), sample[1::2].count(0)
    if 10 * (high + low) < len(sample):
        return ()
    return ("utf-16-be",) if high > low else ("utf-16-le",)
