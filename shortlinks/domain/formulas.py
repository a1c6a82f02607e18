"""Text in tables that a spreadsheet would run as a formula.

An apostrophe in front makes it text, and the import removes the apostrophe again.
"""

import re

# A formula may follow spaces, invisible characters and quotation marks, and be written
# full-width.
_SIGN = "=+\\-@＝＋－＠"
FORMULA = re.compile(f"['\"\\s\ufeff\u200b\u2060]*[{_SIGN}\t\r\n]")
# Other programs may split a cell of a CSV file at another separator or line break.
# The skipped characters contain no separator, so that no text is read many times.
_SEPARATOR = "[,;|\t\r\n]"
_BEHIND = f"(?=(?:[^\\S\t\r\n]|['\"\ufeff\u200b\u2060])*[{_SIGN}])"
_INNER = re.compile(f"({_SEPARATOR}){_BEHIND}")
_ESCAPED_INNER = re.compile(f"({_SEPARATOR})'{_BEHIND}")


def escape(text: str) -> str:
    """Return the text of a workbook's cell, with an apostrophe before a formula."""
    return f"'{text}" if FORMULA.match(text) else text


def escape_csv(text: str) -> str:
    """Return the text of a CSV cell, with an apostrophe before each formula."""
    return escape(_INNER.sub(r"\1'", text))


def unescape(text: str) -> str:
    """Return the text that `escape_csv` received."""
    is_escaped = text.startswith("'") and FORMULA.match(text, 1)
    return _ESCAPED_INNER.sub(r"\1", text[1:] if is_escaped else text)
