"""What a request says of itself, as it will be stored: no conclusions (DESIGN 4)."""

import hashlib
import re
import time
from collections.abc import Mapping
from typing import NamedTuple

from uuid_utils import uuid7

from shortlinks.domain.ip_addresses import masked
from shortlinks.domain.links.redis_cache import CachedAccount, CachedLink
from shortlinks.domain.pixels.pixel_cookie import PixelCookie
from shortlinks.domain.visits import visit_records
from shortlinks.domain.visits.visit_records import VisitRecord
from shortlinks.redirects.host_registry import Domain

HEADER_LENGTH = 128
# Milliseconds since 1970 and a random UUID, of a trusted proxy (ADR 24).
IDEMPOTENCY_KEY_HEADER = b"x-idempotency-key"
IDEMPOTENCY_KEY = re.compile(
    rb"(\d{13}) [0-9a-f]{8}-[0-9a-f]{4}-4"
    rb"([0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})"
)
MAX_CLOCK_SKEW_MS = 60_000
# A prefetch or preview says so in one of these (visits §2.1).
PURPOSE_HEADERS = (b"sec-purpose", b"purpose", b"x-moz", b"x-purpose")
PURPOSES = (b"prefetch", b"preview", b"instant")
FETCH_HEADERS = (
    b"sec-fetch-site",
    b"sec-fetch-mode",
    b"sec-fetch-dest",
    b"sec-fetch-user",
)


class Request(NamedTuple):
    """What of a request decides anything: `address` is 4 or 16 bytes, or none.

    `domain` is the custom short domain of the request, if any. A proxy that retries an
    open sends the same `idempotency_key` again.
    """

    method: str
    path: str
    query: bytes
    headers: Mapping[bytes, bytes]
    address: bytes
    purpose: str
    domain: Domain | None = None
    idempotency_key: bytes | None = None


class Identity(NamedTuple):
    """Who it is, as far as cookies and addresses tell: a browser, or a colleague."""

    pixel: PixelCookie | None
    staff: str = ""


def from_request(
    request: Request,
    *,
    link: CachedLink,
    account: CachedAccount,
    recognised: Identity,
    source_key: bytes,
) -> VisitRecord:
    headers = request.headers
    pixel = recognised.pixel
    agent = visit_records.user_agent(headers.get(b"user-agent", b""))
    return VisitRecord(
        id=_id(request.idempotency_key),
        link_id=link.id,
        occurred_at=time.time(),
        method=request.method,
        user_agent=agent,
        accept_language=visit_records.clean_header(
            headers.get(b"accept-language", b""), HEADER_LENGTH
        ),
        referer=_host(headers.get(b"referer", b"")),
        sec_fetch=_sec_fetch(headers),
        purpose=request.purpose,
        address=masked(request.address, account.address_mask),
        visitor_hash=_visitor_hash(source_key, request.address, agent),
        pixel_sha256=pixel.sha256 if pixel else "",
        pixel_is_new=pixel.is_new if pixel else False,
        staff=recognised.staff,
    )


def _id(name: bytes | None) -> str:
    """The same for the same name: an open that is sent again is one visit."""
    found = None if name is None else IDEMPOTENCY_KEY.fullmatch(name)
    if found is None:
        return str(uuid7())
    moment = int(found[1])
    if abs(moment - time.time() * 1000) > MAX_CLOCK_SKEW_MS:
        return str(uuid7())
    digits = f"{moment:012x}"
    return f"{digits[:8]}-{digits[8:]}-7{found[2].decode()}"


def purpose(headers: Mapping[bytes, bytes]) -> str:
    """The header by which a prefetch or preview names itself, or ""."""
    for name in PURPOSE_HEADERS:
        value = headers.get(name)
        if value is not None and value.lower().startswith(PURPOSES):
            return visit_records.clean_header(name + b"=" + value, HEADER_LENGTH)
    return ""


def _sec_fetch(headers: Mapping[bytes, bytes]) -> str:
    if b"sec-fetch-mode" not in headers:
        return ""
    values = b" ".join([headers.get(name, b"-") for name in FETCH_HEADERS])
    return visit_records.clean_header(values, HEADER_LENGTH)


def _host(referer: bytes) -> str:
    parts = referer.split(b"/", 3)
    if len(parts) < 3 or parts[0] not in {b"http:", b"https:"}:
        return ""
    return visit_records.clean_header(
        parts[2].rpartition(b"@")[2].lower(), HEADER_LENGTH
    )


def _visitor_hash(key: bytes, address: bytes, agent: str) -> str:
    """One browser at one address, nameless once the day's key is gone."""
    message = b"%d %b %b" % (len(address), address, agent.encode())
    return hashlib.blake2b(message, key=key, digest_size=16).hexdigest()
