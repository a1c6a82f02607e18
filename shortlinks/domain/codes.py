"""Codes of short links: an address, never an authenticator (security §3.2)."""

import re
import secrets

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
LENGTH = 12
# What messengers glue to a link at the end of a sentence.
GLUED = "/.,;:!?)]}>'\"»”’…"

_CODE = re.compile(f"[{ALPHABET}]{{{LENGTH}}}")


def new() -> str:
    """A random code of 70 bits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def from_path(path: str) -> str | None:
    """The code a request asks for, or None if its path can name no link."""
    code = path[1:]
    if len(code) != LENGTH:
        code = code.rstrip(GLUED)
    return code if _CODE.fullmatch(code) else None
