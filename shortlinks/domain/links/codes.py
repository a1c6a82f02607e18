"""Codes of short links: an address, never an authenticator (security §3.2)."""

import re
import secrets

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
LENGTH = 12
CODE_SPACE = len(ALPHABET) ** LENGTH
POWERS = [len(ALPHABET) ** place for place in range(LENGTH)]
# What messengers glue to a link at the end of a sentence.
TRAILING_PUNCTUATION = "/.,;:!?)]}>'\"»”’…"

_CODE = re.compile(f"[{ALPHABET}]{{{LENGTH}}}")


def generate() -> str:
    """A random code of 70 bits, drawn at once: each draw asks the system."""
    number = secrets.randbelow(CODE_SPACE)
    return "".join([ALPHABET[number // power % len(ALPHABET)] for power in POWERS])


def from_path(path: str) -> str | None:
    """The code a request asks for, or None if its path can name no link."""
    code = path[1:]
    if len(code) != LENGTH:
        code = code.rstrip(TRAILING_PUNCTUATION)
    return code if _CODE.fullmatch(code) else None
