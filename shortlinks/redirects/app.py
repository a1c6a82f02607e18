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

from shortlinks.domain import (
    addresses,
    click_tokens,
    codes,
    colleagues,
    consent,
    health,
    visit_rows,
)
from shortlinks.domain.addresses import ClientAddresses
from shortlinks.domain.cached_links import CachedAccount, CachedLink
from shortlinks.domain.click_tokens import ClickTokens
from shortlinks.domain.health import Check
from shortlinks.domain.pixel_cookie import Pixel, PixelCookies
from shortlinks.redirects import certificates, identify, pages, privacy, visit_facts
from shortlinks.redirects.directory import Directory
from shortlinks.redirects.grouped_cache import GroupedCache, Unavailable
from shortlinks.redirects.identify import Identify
from shortlinks.redirects.pages import Answer, Header
from shortlinks.redirects.visit_facts import Recognised, Request
from shortlinks.redirects.visit_log import LogFull, VisitLog

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
OF_DOMAIN = [
    (name, b"max-age=31536000" if name == b"strict-transport-security" else value)
    for name, value in HEADERS
]
FIXED = {"/robots.txt": pages.ROBOTS, "/healthz": pages.HEALTHY}
READY = "/readyz"
SEPARATORS = {b"cookie": b"; ", b"x-forwarded-for": b", "}
MOST_QUERY = 2048
OBJECTION = b"1"  # of Sec-GPC and DNT


class HasCurrent(Protocol):
    current: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirects:
    """The ASGI application, over parts that `process` puts together."""

    links: GroupedCache[str, CachedLink]
    accounts: GroupedCache[int, CachedAccount]
    visits: VisitLog
    addresses: ClientAddresses
    pixels: PixelCookies
    directory: Directory
    clicks: ClickTokens
    identify: Identify
    source_keys: HasCurrent
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
            headers |= _joined(scope["headers"])
        client = scope.get("client")
        peer = client[0] if client else ""
        return Request(
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"],
            headers=headers,
            address=self.addresses.of(peer, headers.get(b"x-forwarded-for")),
            purpose=visit_facts.purpose(headers),
            domain=self.directory.hosts.domain(headers.get(b"host")),
            visit_name=self._visit_name(peer, headers),
        )

    def _visit_name(self, peer: str, headers: Mapping[bytes, bytes]) -> bytes | None:
        """A trusted proxy's alone: else one could take another's visit's place."""
        name = headers.get(visit_facts.NAME_HEADER)
        return name if name is not None and self.addresses.trusts(peer) else None

    async def _answer(self, request: Request) -> Answer:
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
                return await self._follow(request, *found)
        except (Unavailable, LogFull):
            return pages.page(503, request.headers.get(b"accept-language"))
        return pages.page(404, request.headers.get(b"accept-language"))

    async def _answer_without_code(self, request: Request) -> Answer:
        if request.path in FIXED:
            return FIXED[request.path]
        if request.path == READY:
            return pages.json(*health.report(await self.checks()))
        if request.path == colleagues.PATH:
            return _introduce(request)
        if request.path == certificates.PATH:
            return certificates.answer(request.query, self.directory)
        return pages.page(404, request.headers.get(b"accept-language"))

    def _privacy(self, request: Request) -> Answer:
        cookies = self._cookies(request)
        return privacy.answer(request.method, request.headers, request.query, cookies)

    async def _find(self, code: str) -> tuple[CachedLink, CachedAccount] | None:
        link = self.links.fresh(code) or await self.links.find(code)
        if link is None or 0 < link.expires_at <= time.time():
            return None
        account_id = link.account_id
        account = self.accounts.fresh(account_id) or await self.accounts.find(
            account_id
        )
        return None if account is None else (link, account)

    async def _follow(
        self, request: Request, link: CachedLink, account: CachedAccount
    ) -> Answer:
        """Log the visit, and only then lead on."""
        recognised = self._recognised(request, link, account)
        visit = visit_facts.of_request(
            request,
            link=link,
            account=account,
            recognised=recognised,
            source_key=self.source_keys.current,
        )
        await self.visits.append(visit)
        if request.purpose:
            return pages.PREFETCH
        target = _target(link, account, request.query)
        pixel = recognised.pixel
        if pixel and self.directory.hosts.are_connected(link.account_id, target):
            token = self.clicks.issue(visit.id, visit.occurred_at)
            target = click_tokens.appended(target, token)
        common = HEADERS if request.domain is None else OF_DOMAIN
        return _redirect(target, pixel, common)

    def _recognised(
        self, request: Request, link: CachedLink, account: CachedAccount
    ) -> Recognised:
        """A colleague's browser is never taken for the contact's (DESIGN 11)."""
        cookies = request.headers.get(b"cookie")
        staff = colleagues.recognised(cookies, link.account_id) if cookies else ""
        offices = account.office_networks
        if not staff and offices and addresses.named(offices).hold(request.address):
            staff = visit_rows.OFFICE
        if staff:
            return Recognised(None, staff)
        return Recognised(self._pixel(request, link, account))

    def _pixel(
        self, request: Request, link: CachedLink, account: CachedAccount
    ) -> Pixel | None:
        """The browser's name, where it may carry one (DESIGN 10)."""
        headers = request.headers
        if request.method != "GET" or request.purpose:
            return None
        if not consent.allows(account.pixel_mode, link.consent):
            return None
        if account.honours_gpc and OBJECTION in (
            headers.get(b"sec-gpc"),
            headers.get(b"dnt"),
        ):
            return None
        cookies = headers.get(b"cookie")
        if privacy.has_opted_out(cookies):
            return None
        return self._cookies(request).pixel(cookies)

    def _cookies(self, request: Request) -> PixelCookies:
        """Those of the customer's whole site, where the host belongs to one."""
        domain = request.domain
        return self.pixels if domain is None else domain.cookies or self.pixels


def _answers_for(request: Request, link: CachedLink) -> bool:
    """A customer's domain leads on nobody else's visitors (pixel, amendments)."""
    return request.domain is None or request.domain.answers_for(link.account_id)


def _joined(lines: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """What a proxy may pass on in several lines, as one."""
    return {
        name: separator.join([value for named, value in lines if named == name])
        for name, separator in SEPARATORS.items()
        if any(named == name for named, _ in lines)
    }


def _introduce(request: Request) -> Answer:
    """A colleague comes for a cookie and goes back to the admin."""
    asked = parse_qs(request.query.decode("latin-1")).get(colleagues.PARAMETER, [""])
    accepted = colleagues.accept(asked[0])
    if accepted is None:
        return pages.page(404, request.headers.get(b"accept-language"))
    cookie, back = accepted
    header = (b"set-cookie", colleagues.cookie_header(cookie))
    return Answer(303, [(b"location", back.encode("ascii")), *HEADERS, header])


def _redirect(target: str, pixel: Pixel | None, common: list[Header]) -> Answer:
    headers = [(b"location", target.encode("ascii")), *common]
    if pixel is not None and pixel.set_cookie is not None:
        headers.append((b"set-cookie", pixel.set_cookie))
    return Answer(302, headers)


def _target(link: CachedLink, account: CachedAccount, query: bytes) -> str:
    """The link's target with the visitor's own query, which overrides nothing."""
    if not query or not account.passes_query or len(query) > MOST_QUERY:
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
