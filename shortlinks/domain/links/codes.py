"""Codes of short links.

A code is an address and grants no access (docs/reference/security.md).
"""

import re
import secrets
from collections.abc import Iterator
from html.entities import html5
from typing import NamedTuple

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
LENGTH = 12
CODE_SPACE = len(ALPHABET) ** LENGTH
POWERS = [len(ALPHABET) ** place for place in range(LENGTH)]

# A code is searched behind at most MAX_GLUED bytes, entities and tags, in the first
# MAX_SEARCHED bytes. So a long path costs no more than a short one (docs/adr/0037).
MAX_GLUED = 200
MAX_SEARCHED = 1024
# A longer query is not passed on.
MAX_PATH_LENGTH = MAX_SEARCHED + 2048
# Some programs encode a link that is encoded already.
MAX_DECODINGS = 2

_CODE = re.compile(f"[{ALPHABET}]{{{LENGTH}}}")
# `urllib.parse` needs 20 times as long for a path of "%".
_ESCAPE = re.compile(rb"%[0-9A-Fa-f]{2}")
_UNESCAPED = {b"%%%02x" % byte: bytes([byte]) for byte in range(256)}
# Paths are searched as bytes, so that broken UTF-8 and every script are "not ASCII".
_PARTS = {
    b"code": _CODE.pattern.encode(),
    b"escape": _ESCAPE.pattern,
    b"entity": rb"&#?\w{1,8};",
    b"tag": rb"</?[A-Za-z]{1,6}(?:[\s/][^<>]{0,80})?>",
    # HTML allows some entities without ";", such as "&nbsp" and "&copy".
    b"bare": "|".join(name for name in html5 if not name.endswith(";")).encode(),
}
# Matched one at a time: "(…){0,200}+" backtracks in Debian 12's Python 3.11.2 (CPython
# issue 106052), and without "+" a path would be read again and again.
_GLUED = re.compile(rb"%(entity)b|%(tag)b|(?!%(escape)b)[^A-Za-z0-9]" % _PARTS)
_CODE_ALONE = re.compile(rb"%(code)b(?![A-Za-z0-9]|%(escape)b)" % _PARTS)
# A glued parameter is a query, with a value or without, also if it begins with "&amp;".
# An entity is not a query.
_QUERY = re.compile(
    rb"/?(?:\?|&(?:amp;)*(?=[^;&]*=|(?!(?:%(bare)b)(?:&|\Z))[\w.~-]{1,64}(?:&|\Z)))"
    rb"(?P<query>.*)" % _PARTS,
    re.DOTALL,
)


class Address(NamedTuple):
    """The code in a path, and the query that a program has encoded into the path."""

    code: str
    query: bytes = b""


def generate() -> str:
    """Return a random code of 70 bits."""
    number = secrets.randbelow(CODE_SPACE)
    return "".join([ALPHABET[number // power % len(ALPHABET)] for power in POWERS])


def from_path(path: str, raw_path: bytes) -> Address | None:
    """Return the code in the path of a request, or None.

    Messengers, mail programs and people glue other characters to a code. It is found
    if no ASCII letter or digit touches it (docs/adr/0037). `raw_path` is the path
    before it was percent-decoded.
    """
    if len(path) == LENGTH + 1 and _CODE.fullmatch(path, 1):
        return Address(path[1:])
    return _find(raw_path[:MAX_PATH_LENGTH])


def _find(path: bytes) -> Address | None:
    beginnings = _decodings(path[:MAX_SEARCHED])
    if not any(_match_code(beginning) for beginning in beginnings):
        return None
    for decoded in _decodings(path):
        if found := _match_code(decoded):
            return Address(found[0].decode(), _query(decoded[found.end() :]))
    return None


def _match_code(path: bytes) -> re.Match[bytes] | None:
    """Match the code behind all characters, entities and tags that are glued to it."""
    start = 0
    for _ in range(MAX_GLUED):
        if not (glued := _GLUED.match(path, start)):
            break
        start = glued.end()
    return _CODE_ALONE.match(path, start)


def _query(rest: bytes) -> bytes:
    """Return the query, decoded only as often as its beginning requires."""
    for decoded in _decodings(rest):
        if found := _QUERY.match(decoded):
            return found["query"]
    return b""


def _decodings(path: bytes) -> Iterator[bytes]:
    for _ in range(MAX_DECODINGS):
        yield path
        path = _ESCAPE.sub(_unescape, path)
    yield path


def _unescape(escape: re.Match[bytes]) -> bytes:
    return _UNESCAPED[escape[0].lower()]
