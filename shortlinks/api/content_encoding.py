"""Decompress bodies of requests (`Content-Encoding`), up to a maximum size."""

import zlib

from django.conf import settings
from django.http import HttpRequest

from shortlinks.api.problems import Problem

# zlib's numbers of the formats. Some clients send `deflate` without zlib's header.
WINDOW_BITS = {"gzip": (31,), "x-gzip": (31,), "deflate": (15, -15)}
MAX_MEMBERS = 100
SUPPORTED = {"Accept-Encoding": "gzip, deflate"}
UNSUPPORTED = (
    "The Content-Encoding is not supported. Send the body with gzip, with deflate or"
    " without a Content-Encoding."
)
DAMAGED = "The body does not match its Content-Encoding ({})."
TOO_LARGE = "The body is larger than {} MB. Split it into smaller requests."


def too_large() -> Problem:
    mebibytes = settings.API_MAX_BODY_BYTES // 1024**2
    return Problem(413, TOO_LARGE.format(mebibytes))


def decoded_body(request: HttpRequest) -> bytes:
    """Return the body without its encoding, or raise 400, 413 or 415."""
    header = request.META.get("HTTP_CONTENT_ENCODING", "").strip().lower()
    if header in {"", "identity"}:
        return request.body
    if header not in WINDOW_BITS:
        raise Problem(415, UNSUPPORTED, headers=SUPPORTED)
    for window_bits in WINDOW_BITS[header]:
        try:
            return _inflate(request.body, window_bits)
        except zlib.error:
            continue
    raise Problem(400, DAMAGED.format(header))


def _inflate(body: bytes, window_bits: int) -> bytes:
    """Return the content of all members, and never hold more than the limit."""
    content = b""
    for _ in range(MAX_MEMBERS):
        stream = zlib.decompressobj(window_bits)
        space = settings.API_MAX_BODY_BYTES + 1 - len(content)
        content += stream.decompress(body, space)
        if len(content) > settings.API_MAX_BODY_BYTES:
            raise too_large()
        if not stream.eof:
            break
        body = stream.unused_data
        if not body:
            return content
    raise zlib.error("truncated, or too many members")
