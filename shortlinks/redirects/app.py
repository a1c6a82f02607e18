"""The ASGI application of the short host: find the link, store the visit, redirect.

A redirect is sent when its visit is durable or counted (docs/adr/0062), or is lost
because both Postgres and the spool failed. If no store can look up the link, the
response is 503, never 404.
"""

import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from shortlinks.domain import ip_addresses
from shortlinks.domain.ip_addresses import ClientAddresses
from shortlinks.domain.links import codes, passed_parameters, url_signatures
from shortlinks.domain.links.redis_cache import CachedAccount, CachedLink
from shortlinks.domain.monitoring import health
from shortlinks.domain.monitoring.health import Check
from shortlinks.domain.pixels import click_tokens, consent
from shortlinks.domain.pixels.click_tokens import ClickTokens
from shortlinks.domain.visits import staff_cookie, staff_handoff, visit_records
from shortlinks.redirects import identify, pages, privacy, tls_check, visit_facts
from shortlinks.redirects.coalescing_cache import CoalescingCache, Unavailable
from shortlinks.redirects.daily_salt import DailySaltKeeper
from shortlinks.redirects.host_registry import HostRegistry
from shortlinks.redirects.identify import Identify
from shortlinks.redirects.pages import Response
from shortlinks.redirects.pixel_cookies import PixelCookie, PixelCookies
from shortlinks.redirects.privacy import Privacy
from shortlinks.redirects.staff_invitations import StaffInvitations
from shortlinks.redirects.visit_budget import VisitBudget
from shortlinks.redirects.visit_facts import Identity, Request
from shortlinks.redirects.visit_writer import QueueFull, VisitLog

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

STATIC_RESPONSES = {"/robots.txt": pages.ROBOTS, "/healthz": pages.HEALTHY}
READY = "/readyz"
SEPARATORS = {b"cookie": b"; ", b"x-forwarded-for": b", ", b"accept": b", "}
OPT_OUT = b"1"  # the value of Sec-GPC and DNT


@dataclass(frozen=True, slots=True, kw_only=True)
class RedirectApp:
    links: CoalescingCache[str, CachedLink]
    accounts: CoalescingCache[int, CachedAccount]
    visits: VisitLog
    budget: VisitBudget
    addresses: ClientAddresses
    pixels: PixelCookies
    hosts: HostRegistry
    clicks: ClickTokens
    identify: Identify
    privacy: Privacy
    staff: StaffInvitations
    daily_salt: DailySaltKeeper
    checks: Callable[[], Awaitable[list[Check]]]
    # Counts by status or "prefetch". Plain integers, because metrics are slow.
    responses: defaultdict[int | str, int] = field(
        default_factory=lambda: defaultdict(int)
    )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = self._request(scope)
        if request.path in identify.PATHS:
            response = await self.identify.respond(request, receive)
        else:
            response = await self._respond(request)
        outcome = "prefetch" if response is pages.PREFETCH else response.status
        self.responses[outcome] += 1
        body = b"" if scope["method"] == "HEAD" else response.body
        is_own = self.hosts.is_own(request.headers.get(b"host"))
        headers = [*response.headers, pages.OWN_HSTS if is_own else pages.HSTS]
        start = {"status": response.status, "headers": headers}
        await send({"type": "http.response.start", **start})
        await send({"type": "http.response.body", "body": body})

    def _request(self, scope: Scope) -> Request:
        headers = dict(scope["headers"])
        if len(headers) != len(scope["headers"]):
            headers |= _join_repeated(scope["headers"])
        client = scope.get("client")
        peer = client[0] if client else ""
        return Request(
            method=scope["method"],
            path=scope["path"],
            raw_path=scope["raw_path"],
            query=scope["query_string"],
            headers=headers,
            address=self.addresses.client_address(
                peer, headers.get(b"x-forwarded-for")
            ),
            purpose=visit_facts.purpose(headers),
            domain=self.hosts.current.domain(headers.get(b"host")),
            idempotency_key=self._idempotency_key(peer, headers),
        )

    def _idempotency_key(
        self, peer: str, headers: Mapping[bytes, bytes]
    ) -> bytes | None:
        """Return the key if a trusted proxy sent it; others could hide visits."""
        key = headers.get(visit_facts.IDEMPOTENCY_KEY_HEADER)
        return key if key and self.addresses.is_trusted_proxy(peer) else None

    async def _respond(self, request: Request) -> Response:
        if request.path == privacy.PATH and request.method in privacy.METHODS:
            return await self.privacy.respond(request, self._cookies(request))
        if request.method not in {"GET", "HEAD"}:
            return pages.page(405, request.headers.get(b"accept-language"))
        address = codes.from_path(request.path, request.raw_path)
        if address is None:
            return await self._respond_without_code(request)
        request = _with_query(request, address.query)
        try:
            found = await self._find(address.code)
            if found is not None and _serves(request, found[0]):
                return await self._redirect_visit(request, *found)
        except (Unavailable, QueueFull):
            return pages.page(503, request.headers.get(b"accept-language"))
        return pages.page(404, request.headers.get(b"accept-language"))

    async def _respond_without_code(self, request: Request) -> Response:
        if request.path in STATIC_RESPONSES:
            return STATIC_RESPONSES[request.path]
        if request.path == READY:
            return await self._readiness(request)
        if request.path == staff_handoff.PATH:
            return await self.staff.respond(request)
        if request.path == tls_check.PATH:
            return tls_check.respond(request.query, self.hosts)
        return pages.page(404, request.headers.get(b"accept-language"))

    async def _readiness(self, request: Request) -> Response:
        """Name the parts only to clients in the private network."""
        is_internal = ip_addresses.is_internal(
            request.address, is_forwarded=b"x-forwarded-for" in request.headers
        )
        report = health.report(await self.checks(), with_details=is_internal)
        return pages.json(*report)

    async def _find(self, code: str) -> tuple[CachedLink, CachedAccount] | None:
        """Return None for unknown and ended links, which are looked up alike.

        Otherwise, the time of a 404 would show that a link has existed.
        """
        now = time.time()
        link = self.links.get_fresh(code)
        if link is None or link.is_expired(now):
            link = await self.links.get(code)
        if link is None:
            return None
        if link.is_expired(now):  # an old value, because no store answered
            raise Unavailable
        account_id = link.account_id
        account = self.accounts.get_fresh(account_id) or await self.accounts.get(
            account_id
        )
        return None if account is None else (link, account)

    async def _redirect_visit(
        self, request: Request, link: CachedLink, account: CachedAccount
    ) -> Response:
        if link.consent == consent.CONTACT_DELETED:
            return _redirect_only(request, link, account)
        identity = self._identity(request, link, account)
        visit = visit_facts.from_request(
            request,
            link=link,
            account=account,
            identity=identity,
            daily_salt=self.daily_salt.current,
        )
        is_stored = self.budget.spend(link.id, request.address)
        if is_stored:
            await self.visits.append(visit, request.address)
        else:
            await self.visits.count(visit, request.address)
        if request.purpose:
            return pages.PREFETCH
        target = _target(request, link, account)
        pixel = identity.pixel
        if pixel and is_stored and self._takes_click_token(link):
            token = self.clicks.issue(visit.id, visit.occurred_at)
            target = click_tokens.append_to_url(target, token)
        return _redirect(target, pixel)

    def _takes_click_token(self, link: CachedLink) -> bool:
        return self.hosts.current.are_connected(
            link.account_id, link.target
        ) and not url_signatures.is_signed(link.target)

    def _identity(
        self, request: Request, link: CachedLink, account: CachedAccount
    ) -> Identity:
        """Return the browser's pixel, or staff, who never get one."""
        cookies = request.headers.get(b"cookie")
        staff = staff_cookie.read(cookies, link.account_id) if cookies else ""
        offices = account.office_networks
        if (
            not staff
            and offices
            and ip_addresses.parse_networks(offices).contains(request.address)
        ):
            staff = visit_records.OFFICE
        if staff:
            return Identity(None, staff)
        return Identity(self._pixel(request, link, account))

    def _pixel(
        self, request: Request, link: CachedLink, account: CachedAccount
    ) -> PixelCookie | None:
        """Return the browser's cookie, new if needed; None if it may not have one."""
        headers = request.headers
        if request.method != "GET" or request.purpose:
            return None
        if not consent.allows(account.pixel_mode, link.consent):
            return None
        if account.respect_gpc and OPT_OUT in (
            headers.get(b"sec-gpc"),
            headers.get(b"dnt"),
        ):
            return None
        cookies = headers.get(b"cookie")
        if privacy.has_opted_out(cookies):
            return None
        return self._cookies(request).read_or_create(cookies)

    def _cookies(self, request: Request) -> PixelCookies:
        """Return the cookies of the customer's site, if the host belongs to one."""
        domain = request.domain
        return self.pixels if domain is None else domain.cookies or self.pixels


def _with_query(request: Request, encoded: bytes) -> Request:
    """Add the query that a program has encoded into the path."""
    if not encoded:
        return request
    return request._replace(query=b"&".join(filter(None, (encoded, request.query))))


def _serves(request: Request, link: CachedLink) -> bool:
    """Return whether the requested host may redirect to this link."""
    return request.domain is None or request.domain.account_id == link.account_id


def _join_repeated(lines: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Join the headers that a proxy may send in several lines."""
    return {
        name: separator.join([value for other, value in lines if other == name])
        for name, separator in SEPARATORS.items()
        if any(other == name for other, _ in lines)
    }


def _redirect_only(
    request: Request, link: CachedLink, account: CachedAccount
) -> Response:
    """Redirect without recording anything."""
    if request.purpose:
        return pages.PREFETCH
    return _redirect(_target(request, link, account), None)


def _target(request: Request, link: CachedLink, account: CachedAccount) -> str:
    if not account.forward_query:
        return link.target
    return passed_parameters.add(link.target, request.query)


def _redirect(target: str, pixel: PixelCookie | None) -> Response:
    headers = [(b"location", target.encode("ascii")), *pages.REDIRECT_HEADERS]
    if pixel is not None and pixel.set_cookie is not None:
        headers.append((b"set-cookie", pixel.set_cookie))
    return Response(302, headers)
