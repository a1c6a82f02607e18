"""Errors of a file as a whole and of its rows, as messages for the user.

A message may be followed by a line break and names that are not translated.
"""

from collections.abc import Iterable

from django.utils.translation import gettext, gettext_noop

TOO_LARGE = gettext_noop("The file is larger than 20 MB. Split it into several files.")
TOO_LARGE_UNPACKED = gettext_noop(
    "The file is too large when it is unpacked. Split it into several files."
)
TOO_MANY_ROWS = gettext_noop(
    "The file has more than 100,000 rows. Split it into several files."
)
TOO_LONG = gettext_noop(
    "The table ends below row 1,048,576. Delete the empty rows at its end."
)
TOO_MANY_COLUMNS = gettext_noop(
    "The file has more than 50 columns. Remove those that are not needed."
)
DUPLICATE_COLUMNS = gettext_noop(
    "Several columns have the same meaning. Keep one of them:"
)
INVALID_CSV = gettext_noop("The file is not a CSV file. Save the table as CSV.")
DAMAGED_UTF_8 = gettext_noop(
    "The file is UTF-8, except for this line. Correct it, or save the table again:"
)
INVALID_XLSX = gettext_noop("The file is not an XLSX file. Save the table as XLSX.")
TOO_MANY_UNPAIRED_QUOTES = gettext_noop(
    "Many rows contain a quotation mark without its pair. Save the table as XLSX."
)

# Errors of rows
EXTRA_CELLS = gettext_noop(
    "The row has cells without a column name. Add the name, or put quotation marks"
    " around a cell that contains the separator."
)
INVALID_QUOTE = gettext_noop(
    "A quotation mark has no pair. Double those inside of a cell, or remove them."
)
NUL_CHARACTER = gettext_noop("A cell contains a NUL character. Remove it:")
NO_FORMULA_VALUE = gettext_noop(
    "A formula has no value. Open the file in Excel, save it and upload it again:"
)
ERROR_VALUE = gettext_noop("The formula has an error. Correct it:")
ROUNDED_NUMBER = gettext_noop(
    "Excel rounds numbers of more than 15 digits. Format the column as text and enter"
    " the number again:"
)


class UnreadableFile(Exception):
    """The file is invalid or too large; the message is for the user."""


class MissingHeader(Exception):
    """The first row names no known column."""


def with_names(message: str, names: Iterable[str]) -> str:
    return f"{message}\n{', '.join(names)}"


def translate(error: str) -> str:
    """Return the message in the current language, with its names."""
    message, _, names = error.partition("\n")
    return f"{gettext(message)} {names}".rstrip()
