"""`/pixel/v1.js` and `/pixel/v1/identify`: what connected sites load and ask (ADR 17).

Of a click a page gets the visitor's uid, and never anything of the contact.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

import msgspec
import psycopg

from shortlinks.domain.auth import rate_limits
from shortlinks.domain.auth.rate_limits import Limit
from shortlinks.domain.pixels import click_redemption, pixel_script
from shortlinks.domain.pixels.click_redemption import Outcome, QueryFlow
from shortlinks.domain.pixels.click_tokens import ClickTokens
from shortlinks.domain.visits import visit_records
from shortlinks.redirects.database import GuardedConnection
from shortlinks.redirects.host_registry import HostRegistry, Site
from shortlinks.redirects.pages import Header, Response
from shortlinks.redirects.visit_facts import Request

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

PATH = "/pixel/v1/identify"
PATHS = frozenset({pixel_script.PATH, PATH})
A_YEAR = 31_536_000
MAX_BODY_BYTES = 4096
MAX_REQUESTS_PER_MINUTE = 30
NETWORK_BYTES = 8  # of an IPv6 address: one person's
NOT_READY = {"error": "not_now"}
JSON = (b"content-type", b"application/json")
VARY = (b"vary", b"Origin")


class IdentifyRequest(msgspec.Struct):
    site_key: str
    click: str = ""
    visitor_uid: str = ""
    gesture: bool = False


class RequestError(Exception):
    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Identify:
    """One question at a time: it has one connection, and redirects have others."""

    database: GuardedConnection
    hosts: HostRegistry
    clicks: ClickTokens
    on_redeemed: Callable[[int], None]
    lock: asyncio.Lock

    async def answer(self, request: Request, receive: Receive) -> Response:
        if request.path == pixel_script.PATH:
            return _script(request)
        origin = request.headers.get(b"origin", b"")
        if request.method == "OPTIONS":
            return _preflight(origin, self.hosts.hosts.origins)
        if request.method != "POST":
            return _bare(405, [(b"allow", b"POST, OPTIONS")])
        try:
            asked = _read(await _body(receive))
            site = self._site(asked, origin)
            await _check_rate(request.address)
        except RequestError as refused:
            is_known = origin in self.hosts.hosts.origins
            reason = {"error": refused.reason}
            return _json(refused.status, reason, origin if is_known else b"")
        return await self._identify(request, asked, site)

    def _site(self, asked: IdentifyRequest, origin: bytes) -> Site:
        site = self.hosts.hosts.sites.get(asked.site_key)
        if site is None or site.origin != origin:
            raise RequestError(403, "unknown_site")
        return site

    async def _identify(
        self, request: Request, asked: IdentifyRequest, site: Site
    ) -> Response:
        question = click_redemption.RedemptionRequest(
            account_id=site.account_id,
            click=self.clicks.read(asked.click),
            user_agent=visit_records.user_agent(
                request.headers.get(b"user-agent", b"")
            ),
            visitor_uid=asked.visitor_uid,
        )
        ask = click_redemption.record_gesture if asked.gesture else _redeem_now
        try:
            outcome, uid = await self._run_queries(ask(question))
        except (psycopg.Error, OSError):
            outcome, uid = Outcome.NOT_READY, None
        if outcome is Outcome.NOT_READY:
            return _json(503, NOT_READY, site.origin, [(b"retry-after", b"5")])
        if outcome is Outcome.ALREADY_USED:
            return _json(409, {"error": "already_used"}, site.origin)
        if outcome is Outcome.REDEEMED or asked.gesture:
            self.on_redeemed(1)
        return _json(200, {"visitor_uid": uid}, site.origin)

    async def _run_queries(
        self, dialogue: QueryFlow
    ) -> click_redemption.RedemptionResult:
        """Ask Postgres by a connection that is given up rather than waited for."""
        async with self.lock:
            try:
                statement, parameters = next(dialogue)
                while True:
                    rows = await self.database.execute(statement, parameters)
                    statement, parameters = dialogue.send(rows)
            except StopIteration as end:
                answer: click_redemption.RedemptionResult = end.value
                return answer


def _redeem_now(request: click_redemption.RedemptionRequest) -> QueryFlow:
    return click_redemption.redeem(request, now=time.time())


def _script(request: Request) -> Response:
    if request.method not in {"GET", "HEAD"}:
        return _bare(405, [(b"allow", b"GET, HEAD")])
    headers = [
        (b"content-type", b"text/javascript; charset=utf-8"),
        (b"cache-control", b"public, max-age=%d, immutable" % A_YEAR),
        (b"access-control-allow-origin", b"*"),  # `integrity` asks for it
        (b"cross-origin-resource-policy", b"cross-origin"),
        (b"x-content-type-options", b"nosniff"),
        (b"content-length", b"%d" % len(pixel_script.SCRIPT)),
    ]
    return Response(200, headers, pixel_script.SCRIPT)


def _preflight(origin: bytes, origins: frozenset[bytes]) -> Response:
    if origin not in origins:
        return _bare(403, [VARY])
    allowed = [
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-methods", b"POST"),
        (b"access-control-allow-headers", b"content-type"),
        (b"access-control-max-age", b"600"),
    ]
    return _bare(204, [VARY, *allowed])


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestError(400, "malformed")
        part: bytes = message.get("body", b"")
        body += part
        if len(body) > MAX_BODY_BYTES:
            raise RequestError(413, "too_long")
        if not message.get("more_body"):
            return body


def _read(body: bytes) -> IdentifyRequest:
    """Whatever type it is sent as: plain text needs no preflight."""
    try:
        asked = msgspec.json.decode(body, type=IdentifyRequest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RequestError(400, "malformed") from None
    if "\0" in asked.visitor_uid:
        raise RequestError(400, "malformed")
    return asked


async def _check_rate(address: bytes) -> None:
    """Of a page's visitors; without Redis all pass."""
    if not address:
        return
    who = address[:NETWORK_BYTES] if len(address) > 4 else address
    limit = Limit(f"identify:{who.hex()}", MAX_REQUESTS_PER_MINUTE, seconds=60)
    if await asyncio.to_thread(rate_limits.acquire, [limit]):
        raise RequestError(429, "too_many")


def _json(
    status: int,
    value: Mapping[str, object],
    origin: bytes,
    headers: list[Header] | None = None,
) -> Response:
    """The page of that origin may read it; b"" is nobody's."""
    body = msgspec.json.encode(value)
    common = [JSON, (b"cache-control", b"no-store"), VARY]
    readable = [(b"access-control-allow-origin", origin)] if origin else []
    length = (b"content-length", b"%d" % len(body))
    return Response(status, [*common, *readable, length, *(headers or [])], body)


def _bare(status: int, headers: list[Header]) -> Response:
    return Response(status, [*headers, (b"content-length", b"0")])
