"""`/pixel/v1.js` and `/pixel/v1/identify` for connected sites (docs/adr/0017).

A page gets the visitor's uid for a click, and nothing about the contact.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

import msgspec
import psycopg

from shortlinks.domain import ip_addresses
from shortlinks.domain.pixels import click_redemption, pixel_script
from shortlinks.domain.pixels.click_redemption import Outcome, QueryFlow
from shortlinks.domain.pixels.click_tokens import ClickTokens
from shortlinks.domain.visits import visit_records
from shortlinks.redirects import pages, request_rates
from shortlinks.redirects.daily_salt import DailySaltKeeper
from shortlinks.redirects.database import GuardedConnection
from shortlinks.redirects.host_registry import HostRegistry, Site
from shortlinks.redirects.pages import Header, Response
from shortlinks.redirects.visit_facts import Request
from shortlinks.request_bodies import BodyReader, BodyRejected, Receive

PATH = "/pixel/v1/identify"
PATHS = frozenset({pixel_script.PATH, PATH})
YEAR_SECONDS = 31_536_000
MAX_BODY_BYTES = 4096
NOT_READY = {"error": "not_now"}
REJECTION_REASONS = {
    HTTPStatus.BAD_REQUEST: "malformed",
    HTTPStatus.REQUEST_TIMEOUT: "too_slow",
    HTTPStatus.TOO_MANY_REQUESTS: "too_many",
    HTTPStatus.SERVICE_UNAVAILABLE: "not_now",
}
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
    """Handles one request at a time, because it has one connection to Postgres."""

    database: GuardedConnection
    hosts: HostRegistry
    clicks: ClickTokens
    daily_salt: DailySaltKeeper
    on_redeemed: Callable[[int], None]
    bodies: BodyReader = field(default_factory=BodyReader)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def respond(self, request: Request, receive: Receive) -> Response:
        if request.path == pixel_script.PATH:
            return _script(request)
        origin = request.headers.get(b"origin", b"")
        if request.method == "OPTIONS":
            return _preflight(origin, self.hosts.current.origins)
        if request.method != "POST":
            return _bare(405, [(b"allow", b"POST, OPTIONS")])
        try:
            body = _parse(await self._read_body(request, receive))
            site = self._site(body, origin)
            await _check_rate(request.address)
        except RequestError as error:
            is_known = origin in self.hosts.current.origins
            reason = {"error": error.reason}
            return _json(error.status, reason, origin if is_known else b"")
        return await self._identify(request, body, site)

    async def _read_body(self, request: Request, receive: Receive) -> bytes:
        client = ip_addresses.customer_network(request.address)
        reading = self.bodies.read(
            receive, client, max_bytes=MAX_BODY_BYTES, length=None
        )
        try:
            async with reading as body:
                if body.size > MAX_BODY_BYTES:
                    raise RequestError(413, "too_long")
                return body.file.read()
        except BodyRejected as error:
            reason = REJECTION_REASONS[error.status]
            raise RequestError(error.status, reason) from None

    def _site(self, body: IdentifyRequest, origin: bytes) -> Site:
        site = self.hosts.current.sites.get(body.site_key)
        if site is None or site.origin != origin:
            raise RequestError(403, "unknown_site")
        return site

    async def _identify(
        self, request: Request, body: IdentifyRequest, site: Site
    ) -> Response:
        redemption = click_redemption.RedemptionRequest(
            account_id=site.account_id,
            click=self.clicks.read(body.click),
            user_agent=visit_records.user_agent(
                request.headers.get(b"user-agent", b"")
            ),
            address=request.address,
            salt=self.daily_salt.current,
            visitor_uid=body.visitor_uid,
        )
        flow = click_redemption.record_gesture if body.gesture else _redeem_now
        try:
            outcome, uid = await self._run_queries(flow(redemption))
        except (psycopg.Error, OSError):
            outcome, uid = Outcome.NOT_READY, None
        if outcome is Outcome.NOT_READY:
            return _json(503, NOT_READY, site.origin, [(b"retry-after", b"5")])
        if outcome is Outcome.ALREADY_USED:
            return _json(409, {"error": "already_used"}, site.origin)
        if outcome is Outcome.REDEEMED or body.gesture:
            self.on_redeemed(1)
        return _json(200, {"visitor_uid": uid}, site.origin)

    async def _run_queries(self, flow: QueryFlow) -> click_redemption.RedemptionResult:
        async with self.lock:
            try:
                statement, parameters = next(flow)
                while True:
                    rows = await self.database.execute(statement, parameters)
                    statement, parameters = flow.send(rows)
            except StopIteration as end:
                result: click_redemption.RedemptionResult = end.value
                return result


def _redeem_now(request: click_redemption.RedemptionRequest) -> QueryFlow:
    return click_redemption.redeem(request, now=time.time())


def _script(request: Request) -> Response:
    if request.method not in {"GET", "HEAD"}:
        return _bare(405, [(b"allow", b"GET, HEAD")])
    headers = [
        (b"content-type", b"text/javascript; charset=utf-8"),
        (b"cache-control", b"public, max-age=%d, immutable" % YEAR_SECONDS),
        (b"access-control-allow-origin", b"*"),  # needed for `integrity`
        (b"cross-origin-resource-policy", b"cross-origin"),
        *pages.COMMON,
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


def _parse(body: bytes) -> IdentifyRequest:
    """Decode JSON of any content type: plain text needs no preflight."""
    try:
        parsed = msgspec.json.decode(body, type=IdentifyRequest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RequestError(400, "malformed") from None
    if "\0" in parsed.visitor_uid:
        raise RequestError(400, "malformed")
    return parsed


async def _check_rate(address: bytes) -> None:
    if await request_rates.is_exceeded("identify", address):
        raise RequestError(429, "too_many")


def _json(
    status: int,
    value: Mapping[str, object],
    origin: bytes,
    headers: list[Header] | None = None,
) -> Response:
    """Return JSON that pages of this origin may read; no page if it is empty."""
    body = msgspec.json.encode(value)
    common = [JSON, (b"cache-control", b"no-store"), *pages.COMMON, VARY]
    readable = [(b"access-control-allow-origin", origin)] if origin else []
    length = (b"content-length", b"%d" % len(body))
    return Response(status, [*common, *readable, length, *(headers or [])], body)


def _bare(status: int, headers: list[Header]) -> Response:
    return Response(status, [*headers, *pages.COMMON, (b"content-length", b"0")])
