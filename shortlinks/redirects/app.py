"""The way of a request: link ▶ facts ▶ visit log ▶ 302 (DESIGN, the flow).

Pure ASGI. A redirect is sent when its visit is durable, or counted as lost because
neither Postgres nor the disk took it; when nothing can tell whether a link exists, the
answer is 503 and never 404.
"""

import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote_plus

import ada_url

from shortlinks.domain import ip_addresses
from shortlinks.domain.ip_addresses import ClientAddresses
from shortlinks.domain.links import codes
from shortlinks.domain.links.redis_cache import CachedAccount, CachedLink
from shortlinks.domain.monitoring import health
from shortlinks.domain.monitoring.health import Check
from shortlinks.domain.pixels import click_tokens, consent
from shortlinks.domain.pixels.click_tokens import ClickTokens
from shortlinks.domain.pixels.pixel_cookie import PixelCookie, PixelCookies
from shortlinks.domain.visits import staff_cookie, visit_records
from shortlinks.redirects import identify, pages, privacy, tls_check, visit_facts
from shortlinks.redirects.coalescing_cache import CoalescingCache, Unavailable
from shortlinks.redirects.host_registry import HostRegistry
from shortlinks.redirects.identify import Identify
from shortlinks.redirects.pages import Header, Response
from shortlinks.redirects.visit_facts import Identity, Request
from shortlinks.redirects.visit_writer import QueueFull, VisitLog

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# security §3.3; browsers obey HSTS over https alone
HEADERS = [
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-robots-tag", b"noindex, nofollow, noarchive"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
    (b"content-length", b"0"),
]
# A customer's domain speaks for itself, and not for the hosts below it.
CUSTOM_DOMAIN_HEADERS = [
    (name, b"max-age=31536000" if name == b"strict-transport-security" else value)
    for name, value in HEADERS
]
STATIC_RESPONSES = {"/robots.txt": pages.ROBOTS, "/healthz": pages.HEALTHY}
READY = "/readyz"
SEPARATORS = {b"cookie": b"; ", b"x-forwarded-for": b", "}
MAX_QUERY_LENGTH = 2048
OPT_OUT = b"1"  # of Sec-GPC and DNT


class HasCurrent(Protocol):
    current: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RedirectApp:
    """The ASGI application, over parts that `process` puts together."""

    links: CoalescingCache[str, CachedLink]
    accounts: CoalescingCache[int, CachedAccount]
    visits: VisitLog
    addresses: ClientAddresses
    pixels: PixelCookies
    hosts: HostRegistry
    clicks: ClickTokens
    identify: Identify
    daily_salt: HasCurrent
    checks: Callable[[], Awaitable[list[Check]]]
    # How often each answer was given: by status, but for prefetches; plain integers.
    answers: defaultdict[int | str, int] = field(
        default_factory=lambda: defaultdict(int)
    )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = self._request(scope)
        if request.path in identify.PATHS:
            answer = await self.identify.answer(request, receive)
        else:
            answer = await self._answer(request)
        self.answers["prefetch" if answer is pages.PREFETCH else answer.status] += 1
        body = b"" if scope["method"] == "HEAD" else answer.body
        start = {"status": answer.status, "headers": answer.headers}
        await send({"type": "http.response.start", **start})
        await send({"type": "http.response.body", "body": body})

    def _request(self, scope: Scope) -> Request:
        headers = dict(scope["headers"])
        if len(headers) != len(scope["headers"]):
            headers |= _join_query(scope["headers"])
        client = scope.get("client")
        peer = client[0] if client else ""
        return Request(
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"],
            headers=headers,
            address=self.addresses.client_address(
                peer, headers.get(b"x-forwarded-for")
            ),
            purpose=visit_facts.purpose(headers),
            domain=self.hosts.hosts.domain(headers.get(b"host")),
            idempotency_key=self._idempotency_key(peer, headers),
        )

    def _idempotency_key(
        self, peer: str, headers: Mapping[bytes, bytes]
    ) -> bytes | None:
        """A trusted proxy's alone: else one could take another's visit's place."""
        name = headers.get(visit_facts.IDEMPOTENCY_KEY_HEADER)
        return (
            name if name is not None and self.addresses.is_trusted_proxy(peer) else None
        )

    async def _answer(self, request: Request) -> Response:
        if request.path == privacy.PATH and request.method in {"GET", "POST"}:
            return self._privacy(request)
        if request.method not in {"GET", "HEAD"}:
            return pages.page(405, request.headers.get(b"accept-language"))
        code = codes.from_path(request.path)
        if code is None:
            return await self._answer_without_code(request)
        try:
            found = await self._find(code)
            if found is not None and _answers_for(request, found[0]):
                return await self._redirect_visit(request, *found)
        except (Unavailable, QueueFull):
            return pages.page(503, request.headers.get(b"accept-language"))
        return pages.page(404, request.headers.get(b"accept-language"))

    async def _answer_without_code(self, request: Request) -> Response:
        if request.path in STATIC_RESPONSES:
            return STATIC_RESPONSES[request.path]
        if request.path == READY:
            return pages.json(*health.report(await self.checks()))
        if request.path == staff_cookie.PATH:
            return _accept_staff_handoff(request)
        if request.path == tls_check.PATH:
            return tls_check.answer(request.query, self.hosts)
        return pages.page(404, request.headers.get(b"accept-language"))

    def _privacy(self, request: Request) -> Response:
        cookies = self._cookies(request)
        return privacy.answer(request.method, request.headers, request.query, cookies)

    async def _find(self, code: str) -> tuple[CachedLink, CachedAccount] | None:
        link = self.links.get_fresh(code) or await self.links.get(code)
        if link is None or 0 < link.expires_at <= time.time():
            return None
        account_id = link.account_id
        account = self.accounts.get_fresh(account_id) or await self.accounts.get(
            account_id
        )
        return None if account is None else (link, account)

    async def _redirect_visit(
        self, request: Request, link: CachedLink, account: CachedAccount
    ) -> Response:
        """Log the visit, and only then lead on."""
        recognised = self._identity(request, link, account)
        visit = visit_facts.from_request(
            request,
            link=link,
            account=account,
            recognised=recognised,
            source_key=self.daily_salt.current,
        )
        await self.visits.append(visit)
        if request.purpose:
            return pages.PREFETCH
        target = _target(link, account, request.query)
        pixel = recognised.pixel
        if pixel and self.hosts.hosts.are_connected(link.account_id, target):
            token = self.clicks.issue(visit.id, visit.occurred_at)
            target = click_tokens.append_to_url(target, token)
        common = HEADERS if request.domain is None else CUSTOM_DOMAIN_HEADERS
        return _redirect(target, pixel, common)

    def _identity(
        self, request: Request, link: CachedLink, account: CachedAccount
    ) -> Identity:
        """A colleague's browser is never taken for the contact's (DESIGN 11)."""
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
        """The browser's name, where it may carry one (DESIGN 10)."""
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
        """Those of the customer's whole site, where the host belongs to one."""
        domain = request.domain
        return self.pixels if domain is None else domain.cookies or self.pixels


def _answers_for(request: Request, link: CachedLink) -> bool:
    """A customer's domain leads on nobody else's visitors (pixel, amendments)."""
    return request.domain is None or request.domain.answers_for(link.account_id)


def _join_query(lines: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """What a proxy may pass on in several lines, as one."""
    return {
        name: separator.join([value for named, value in lines if named == name])
        for name, separator in SEPARATORS.items()
        if any(named == name for named, _ in lines)
    }


def _accept_staff_handoff(request: Request) -> Response:
    """A colleague comes for a cookie and goes back to the admin."""
    asked = parse_qs(request.query.decode("latin-1")).get(staff_cookie.PARAMETER, [""])
    accepted = staff_cookie.accept_handoff(asked[0])
    if accepted is None:
        return pages.page(404, request.headers.get(b"accept-language"))
    cookie, back = accepted
    header = (b"set-cookie", staff_cookie.cookie_header(cookie))
    return Response(303, [(b"location", back.encode("ascii")), *HEADERS, header])


def _redirect(target: str, pixel: PixelCookie | None, common: list[Header]) -> Response:
    headers = [(b"location", target.encode("ascii")), *common]
    if pixel is not None and pixel.set_cookie is not None:
        headers.append((b"set-cookie", pixel.set_cookie))
    return Response(302, headers)


def _target(link: CachedLink, account: CachedAccount, query: bytes) -> str:
    """The link's target with the visitor's own query, which overrides nothing."""
    if not query or not account.forward_query or len(query) > MAX_QUERY_LENGTH:
        return link.target
    target = ada_url.URL(link.target)
    own = {_name(pair) for pair in target.search[1:].split("&")}
    own.add(click_tokens.PARAMETER)  # ours: one that a visitor brings is not passed on
    passed = [
        p
        for p in query.lstrip(b"?").decode("utf-8", "replace").split("&")
        if p and _name(p) not in own
    ]
    if not passed:
        return link.target
    target.search = "&".join([*filter(None, [target.search[1:]]), *passed])
    return target.href


def _name(pair: str) -> str:
    return unquote_plus(pair.partition("=")[0])
