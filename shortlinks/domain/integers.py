"""The one reader of ids and other integers, for text and for JSON, with bounds.

A text may contain only the digits 0 to 9, and leading zeros are ignored. int() would
also accept signs, spaces, underscores and the digits of other scripts.
"""

MAX_ID = 2**63 - 1  # Postgres bigint


def from_text(text: str, *, minimum: int = 0, maximum: int = MAX_ID) -> int | None:
    """Return the integer, or None if the text is not one within the bounds."""
    digits = _digits(text)
    if digits is None or len(digits) > len(str(maximum)):
        return None
    return from_json(int(digits), minimum=minimum, maximum=maximum)


def capped_from_text(text: str, *, minimum: int, maximum: int) -> int | None:
    """Return the integer, the maximum if it is larger, or None if it is invalid."""
    digits = _digits(text)
    if digits is None:
        return None
    if len(digits) > len(str(maximum)):
        return maximum
    number = min(int(digits), maximum)
    return None if number < minimum else number


def from_json(value: object, *, minimum: int = 1, maximum: int = MAX_ID) -> int | None:
    """Return the integer, or None: "5", 5.0 and true are not integers."""
    if type(value) is int and minimum <= value <= maximum:
        return value
    return None


def _digits(text: str) -> str | None:
    """Return the text without leading zeros, or None if it is not a number."""
    is_number = text.isascii() and text.isdigit()
    return (text.lstrip("0") or "0") if is_number else None
