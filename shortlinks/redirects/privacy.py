"""`/privacy` on the short host: see and erase a browser's data, and opt out.

A browser with the opt-out cookie gets no pixel. Its links work as before. Only the
signed cookie names the browser, and no answer names a contact, user or account.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from urllib.parse import parse_qs

import psycopg

from shortlinks.domain.pixels import browser_data
from shortlinks.domain.pixels.browser_data import BrowserData
from shortlinks.redirects import pages, privacy_texts, request_rates
from shortlinks.redirects.database import Connection
from shortlinks.redirects.pages import Header, Response
from shortlinks.redirects.pixel_cookies import PixelCookies
from shortlinks.redirects.visit_facts import Request

PATH = "/privacy"
METHODS = ("GET", "POST")
PARAMETER = "recognize"
ERASE = "erase"
DOWNLOAD = "download"
MAX_AGE = 34_560_000  # seconds; 400 days, the maximum of browsers
MAX_QUERY_BYTES = 1024
MAX_WAITING = 20  # requests, each for up to VISIT_COMMIT_TIMEOUT_SECONDS
COOKIE = b"sloptout=1"  # its name may begin with __Host-
VARY: Header = (b"vary", b"Cookie")
FILE: Header = (b"content-disposition", b'attachment; filename="this-browser.json"')


class Unavailable(Exception):
    """Postgres does not answer, or visitors sent too many requests."""


def has_opted_out(cookies: bytes | None) -> bool:
    return cookies is not None and COOKIE in cookies


@dataclass(frozen=True, slots=True)
class Privacy:
    """Handles one browser at a time, because it has one connection to Postgres.

    Its connection has no circuit breaker: a slow answer must not affect redirects.
    """

    database: Connection
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    places: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(MAX_WAITING)
    )

    async def respond(self, request: Request, cookies: PixelCookies) -> Response:
        """Return the page, the file with the browser's data, or a redirect."""
        query = parse_qs(request.query[:MAX_QUERY_BYTES].decode("latin-1"))
        if request.method == "POST":
            return await self._change(request, query, cookies)
        data = await self._select(request, cookies)
        if DOWNLOAD in query:
            return _file(request, data)
        has_cookie = cookies.read(request.headers.get(b"cookie")) is not None
        return _page(request, data, has_cookie=has_cookie)

    async def _change(
        self, request: Request, query: Mapping[str, list[str]], cookies: PixelCookies
    ) -> Response:
        """Accept the forms of this page only, not those of another site."""
        recognize = query.get(PARAMETER, [""])[0]
        is_erasure = ERASE in query
        if not _is_own_form(request) or not (is_erasure or recognize in {"yes", "no"}):
            return pages.page(404, request.headers.get(b"accept-language"))
        if is_erasure:
            try:
                for statement in browser_data.ERASURE:
                    await self._execute(request, cookies, statement)
            except Unavailable:
                return _unavailable(request)
        return _changed(cookies, is_off=is_erasure or recognize == "no")

    async def _select(
        self, request: Request, cookies: PixelCookies
    ) -> BrowserData | None:
        """Return None if the data cannot be read now."""
        try:
            rows = await self._execute(request, cookies, browser_data.SELECT)
        except Unavailable:
            return None
        return browser_data.from_rows(rows)

    async def _execute(
        self, request: Request, cookies: PixelCookies, statement: str
    ) -> list[tuple[object, ...]]:
        """Return the rows of the browser; none if its cookie is missing or forged.

        Raises Unavailable.
        """
        sha256 = cookies.read(request.headers.get(b"cookie"))
        if sha256 is None:
            return []
        is_exceeded = await request_rates.is_exceeded("privacy", request.address)
        if is_exceeded or self.places.locked():
            raise Unavailable
        parameters = browser_data.parameters(sha256)
        try:
            async with self.places, self.lock:
                return await self.database.execute(statement, parameters)
        except (psycopg.Error, OSError) as error:
            raise Unavailable from error


def _unavailable(request: Request) -> Response:
    return pages.page(503, request.headers.get(b"accept-language"))


def _file(request: Request, data: BrowserData | None) -> Response:
    if data is None:
        return _unavailable(request)
    return pages.json_file(data.as_json(), [VARY, FILE])


def _page(request: Request, data: BrowserData | None, *, has_cookie: bool) -> Response:
    language = pages.preferred_language(request.headers.get(b"accept-language", b""))
    texts = privacy_texts.TEXTS[language]
    is_off = has_opted_out(request.headers.get(b"cookie"))
    state, wanted = (texts.off, "yes") if is_off else (texts.on, "no")
    content = (
        f"<p>{state.text}</p>{_form(f'{PARAMETER}={wanted}', state.action)}"
        f"<h2>{texts.stored}</h2>{_stored(data, texts, has_cookie=has_cookie)}"
    )
    return pages.document(200, language, state.title, content, [VARY])


def _stored(
    data: BrowserData | None, texts: privacy_texts.Texts, *, has_cookie: bool
) -> str:
    if data is None:
        return f"<p>{texts.unavailable}</p>"
    if data.first_seen_at is None:
        return f"<p>{texts.only_cookie if has_cookie else texts.nothing}</p>"
    opens = "".join(
        f"<li>{open_.occurred_at:%Y-%m-%d %H:%M} UTC — {escape(open_.host)}</li>"
        for open_ in data.opens
    )
    seen = texts.seen.format(first=data.first_seen_at, last=data.last_seen_at)
    return (
        f"<p>{seen}</p><ul>{opens}</ul>"
        f'<p><a href="{PATH}?{DOWNLOAD}=json" download>{texts.download}</a></p>'
        f"<p>{texts.erasure}</p>{_form(f'{ERASE}=yes', texts.erase)}"
    )


def _form(query: str, action: str) -> str:
    return (
        f'<form method="post" action="{PATH}?{query}"><button>{action}</button></form>'
    )


def _changed(cookies: PixelCookies, *, is_off: bool) -> Response:
    prefix, secure = ("__Host-", "; Secure") if cookies.https else ("", "")
    age = MAX_AGE if is_off else 0
    attributes = f"HttpOnly; SameSite=Lax{secure}"
    cookie = f"{prefix}sloptout=1; Path=/; Max-Age={age}; {attributes}"
    return Response(
        303,
        [
            (b"location", PATH.encode()),
            (b"set-cookie", cookie.encode()),
            *([(b"set-cookie", cookies.delete_header)] if is_off else []),
            (b"cache-control", b"no-store"),
            *pages.COMMON,
            (b"content-length", b"0"),
        ],
    )


def _is_own_form(request: Request) -> bool:
    headers = request.headers
    origin = headers.get(b"origin")
    is_own = origin is None or origin.partition(b"//")[2] == headers.get(b"host")
    return is_own and headers.get(b"sec-fetch-site", b"same-origin") == b"same-origin"
