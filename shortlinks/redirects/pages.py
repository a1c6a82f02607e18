"""Pages of the short host itself, in English and Russian."""

import base64
import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

Header = tuple[bytes, bytes]

LANGUAGES = ("en", "ru")
MAX_LANGUAGES = 10  # of an Accept-Language header

STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:30rem;margin:20vh auto;"
    "padding:0 1.5rem;color:#222;background:#fff}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#161616}}"
)
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
CSP = (
    f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
# For responses that are not a page.
NOTHING = (
    b"content-security-policy",
    b"default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
)

NOSNIFF = (b"x-content-type-options", b"nosniff")
# One policy for each host, because browsers keep the last one they saw. Subdomains of
# a customer's domain may not support https. Browsers ignore both over http.
HSTS = (b"strict-transport-security", b"max-age=31536000")
OWN_HSTS = (HSTS[0], HSTS[1] + b"; includeSubDomains")
# Headers of all responses that are not a page.
COMMON = (NOTHING, NOSNIFF)
REDIRECT_HEADERS = [
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-robots-tag", b"noindex, nofollow, noarchive"),
    *COMMON,
    (b"content-length", b"0"),
]

TEXTS = {
    (404, "en"): (
        "This link does not work",
        "It may have been typed or copied with a mistake, or is no longer valid. "
        "Please ask whoever sent it to you.",
    ),
    (404, "ru"): (
        "Ссылка не работает",
        "Возможно, она скопирована с ошибкой или больше не действует. "
        "Пожалуйста, уточните у того, кто её прислал.",
    ),
    (405, "en"): ("Method not allowed", "This address can only be opened."),
    (405, "ru"): ("Метод не поддерживается", "Этот адрес можно только открыть."),
    (503, "en"): (
        "One moment, please",
        "The link cannot be opened just now. Please try again in half a minute.",
    ),
    (503, "ru"): (
        "Одну минуту",
        "Сейчас ссылку не открыть. Пожалуйста, попробуйте через полминуты.",
    ),
}
EXTRA_HEADERS: dict[int, list[Header]] = {
    404: [],
    405: [(b"allow", b"GET, HEAD")],
    503: [(b"retry-after", b"30")],
}


class Response(NamedTuple):
    status: int
    headers: list[Header]
    body: bytes = b""


def _page(status: int, language: str) -> Response:
    title, text = TEXTS[status, language]
    return document(status, language, title, f"<p>{text}</p>", EXTRA_HEADERS[status])


def document(
    status: int, language: str, title: str, content: str, headers: Sequence[Header]
) -> Response:
    """Return a page; `content` is HTML and must not come from a visitor."""
    body = (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{STYLE}</style><h1>{title}</h1>{content}\n"
    ).encode()
    common = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-language", language.encode()),
        (b"vary", b"Accept-Language"),
        (b"cache-control", b"no-store"),
        # With no-referrer, browsers would also hide the origin of our own form.
        (b"referrer-policy", b"same-origin"),
        (b"x-robots-tag", b"noindex, nofollow, noarchive"),
        (b"content-security-policy", CSP.encode()),
        NOSNIFF,
        (b"content-length", str(len(body)).encode()),
    ]
    return Response(status, [*common, *headers], body)


def _plain(text: bytes) -> Response:
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        *COMMON,
        (b"content-length", str(len(text)).encode()),
    ]
    return Response(200, headers, text)


def json(status: int, value: object) -> Response:
    return _json(status, msgspec.json.encode(value), [])


def json_file(body: bytes, headers: Sequence[Header]) -> Response:
    return _json(200, body, headers)


def _json(status: int, body: bytes, more: Sequence[Header]) -> Response:
    headers = [
        (b"content-type", b"application/json"),
        (b"cache-control", b"no-store"),
        *COMMON,
        *more,
        (b"content-length", str(len(body)).encode()),
    ]
    return Response(status, headers, body)


PAGES = {key: _page(*key) for key in TEXTS}
HEALTHY = _plain(b"ok\n")
# Previews are allowed: they show the target. A header forbids indexing.
ROBOTS = _plain(b"User-agent: *\nDisallow:\n")
# The headers of `visit_facts.PURPOSE_HEADERS`.
VARY = b"Sec-Purpose, Purpose, X-Moz, X-Purpose, X-Sec-Purpose, X-Firefox-AI"
PREFETCH = Response(
    503,
    [
        (b"cache-control", b"no-store"),
        (b"vary", VARY),
        *COMMON,
        (b"content-length", b"0"),
    ],
)


def page(status: int, accept_language: bytes | None) -> Response:
    return PAGES[status, preferred_language(accept_language or b"")]


def preferred_language(accept_language: bytes) -> str:
    """Return the language in LANGUAGES that the visitor prefers, by default English."""
    best, best_weight = LANGUAGES[0], 0.0
    for item in accept_language.decode("latin-1").split(",")[:MAX_LANGUAGES]:
        tag, _, parameter = item.strip().lower().partition(";")
        language = tag[:2]
        weight = _weight(parameter)
        if language in LANGUAGES and tag[2:3] in {"", "-"} and weight > best_weight:
            best, best_weight = language, weight
    return best


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
