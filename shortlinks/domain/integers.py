"""Ids and other integers with bounds, as text or as JSON."""

MAX_ID = 2**63 - 1  # Postgres bigint


def from_text(text: str, *, minimum: int = 0, maximum: int = MAX_ID) -> int | None:
    """Return the integer, or None if the text is not one within the bounds."""
    # int() also accepts signs, spaces, underscores and digits of other scripts.
    if text.isascii() and text.isdigit() and len(text) <= len(str(MAX_ID)):
        return from_json(int(text), minimum=minimum, maximum=maximum)
    return None


def from_json(value: object, *, minimum: int = 1, maximum: int = MAX_ID) -> int | None:
    """Return the integer, or None: "5", 5.0 and true are not integers."""
    if type(value) is int and minimum <= value <= maximum:
        return value
    return None
