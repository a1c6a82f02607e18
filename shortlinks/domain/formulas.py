"""Text in tables that a spreadsheet would run as a formula.

An apostrophe in front makes it text, and the import removes the apostrophe again.
"""

import re

# A formula may follow spaces and invisible characters, and be written full-width.
FORMULA = re.compile("'*[\\s\ufeff\u200b\u2060]*[=+\\-@\t\r\n＝＋－＠]")


def escape(text: str) -> str:
    """Return the text with an apostrophe if it could be a formula."""
    return f"'{text}" if FORMULA.match(text) else text


def unescape(text: str) -> str:
    """Return the text that `escape` received."""
    is_escaped = text.startswith("'") and FORMULA.match(text, 1)
    return text[1:] if is_escaped else text
