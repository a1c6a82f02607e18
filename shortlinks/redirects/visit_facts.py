"""Turn a request into a visit record, without classifying it."""

import re
import time
from collections.abc import Mapping
from typing import NamedTuple

from uuid_utils import uuid7

from shortlinks.domain.ip_addresses import masked
from shortlinks.domain.links.redis_cache import CachedAccount, CachedLink
from shortlinks.domain.pixels import visitor_hashes
from shortlinks.domain.visits import visit_records
from shortlinks.domain.visits.visit_records import VisitRecord
from shortlinks.redirects.host_registry import Domain
from shortlinks.redirects.pixel_cookies import PixelCookie

HEADER_LENGTH = 128
# Milliseconds since 1970 and a random UUID, from a trusted proxy (docs/adr/0024).
IDEMPOTENCY_KEY_HEADER = b"x-idempotency-key"
IDEMPOTENCY_KEY = re.compile(
    rb"(\d{13}) [0-9a-f]{8}-[0-9a-f]{4}-4"
    rb"([0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})"
)
MAX_CLOCK_SKEW_MS = 60_000
# Prefetches and previews send one of these. Firefox's link preview sends the last.
_PURPOSES = (b"prefetch", b"prerender", b"preview", b"instant")
PURPOSE_HEADERS = {
    b"sec-purpose": _PURPOSES,
    b"purpose": _PURPOSES,
    b"x-moz": _PURPOSES,
    b"x-purpose": _PURPOSES,
    b"x-sec-purpose": _PURPOSES,
    b"x-firefox-ai": (b"1",),
}
FETCH_HEADERS = (
    b"sec-fetch-site",
    b"sec-fetch-mode",
    b"sec-fetch-dest",
    b"sec-fetch-user",
)
NO_FETCH_HEADERS = b"- - - -"


class Request(NamedTuple):
    """The relevant parts of a request; `address` has 4 or 16 bytes, or none.

    `domain` is the custom short domain of the request, if any. A proxy that retries an
    open sends the same `idempotency_key` again.
    """

    method: str
    path: str
    raw_path: bytes
    query: bytes
    headers: Mapping[bytes, bytes]
    address: bytes
    purpose: str
    domain: Domain | None = None
    idempotency_key: bytes | None = None


class Identity(NamedTuple):
    """The visitor by cookie and address: a browser with a pixel, or staff."""

    pixel: PixelCookie | None
    staff: str = ""


def from_request(
    request: Request,
    *,
    link: CachedLink,
    account: CachedAccount,
    identity: Identity,
    daily_salt: bytes,
) -> VisitRecord:
    headers = request.headers
    pixel = identity.pixel
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
        visitor_hash=visitor_hashes.compute(daily_salt, request.address, agent).hex(),
        pixel_sha256=pixel.sha256 if pixel else "",
        pixel_is_new=pixel.is_new if pixel else False,
        staff=identity.staff,
        accepts_html=_accepts_html(headers.get(b"accept")),
    )


def _id(key: bytes | None) -> str:
    """Return the same id for the same key, so that a retried open is one visit."""
    found = None if key is None else IDEMPOTENCY_KEY.fullmatch(key)
    if found is None:
        return str(uuid7())
    milliseconds = int(found[1])
    if abs(milliseconds - time.time() * 1000) > MAX_CLOCK_SKEW_MS:
        return str(uuid7())
    digits = f"{milliseconds:012x}"
    return f"{digits[:8]}-{digits[8:]}-7{found[2].decode()}"


def purpose(headers: Mapping[bytes, bytes]) -> str:
    """Return the header that marks a prefetch or preview, or an empty string."""
    for name, purposes in PURPOSE_HEADERS.items():
        value = headers.get(name)
        if value is not None and value.strip().lower().startswith(purposes):
            return visit_records.clean_header(name + b"=" + value, HEADER_LENGTH)
    return ""


def _sec_fetch(headers: Mapping[bytes, bytes]) -> str:
    values = b" ".join([headers.get(name, b"-") for name in FETCH_HEADERS])
    if values == NO_FETCH_HEADERS:
        return ""
    return visit_records.clean_header(values, HEADER_LENGTH)


def _accepts_html(accept: bytes | None) -> bool:
    """Return whether a page is accepted, as all navigations do.

    Images, styles and scripts accept other types. A missing header proves nothing.
    """
    return accept is None or b"text/html" in accept or b"text/html" in accept.lower()


def _host(referer: bytes) -> str:
    parts = referer.split(b"/", 3)
    if len(parts) < 3 or parts[0] not in {b"http:", b"https:"}:
        return ""
    return visit_records.clean_header(
        parts[2].rpartition(b"@")[2].lower(), HEADER_LENGTH
    )
