"""`/privacy` on the short host, where visitors opt out of being recognized.

A browser with the opt-out cookie gets no pixel. Its links work as before.
"""

from collections.abc import Mapping
from urllib.parse import parse_qs

from shortlinks.redirects import pages
from shortlinks.redirects.pages import Header, Response
from shortlinks.redirects.pixel_cookies import PixelCookies

PATH = "/privacy"
PARAMETER = "recognize"
MAX_AGE = 34_560_000  # seconds; 400 days, the maximum of browsers
MAX_QUERY_BYTES = 1024
COOKIE = b"sloptout=1"  # its name may begin with __Host-

TEXTS = {
    ("on", "en"): (
        "Recognition of your browser",
        "When you open a short link, your browser may get a cookie. It connects your"
        " later chats with the sender. You can switch this off for this browser.",
        "Do not recognize this browser",
    ),
    ("off", "en"): (
        "Your browser is not recognized",
        "Short links open as usual, without a cookie that recognizes you.",
        "Recognize this browser again",
    ),
    ("on", "ru"): (
        "Узнавание вашего браузера",
        "Когда вы открываете короткую ссылку, браузер может получить cookie, по"
        " которому ваши будущие чаты с отправителем объединяются. Для этого браузера"
        " узнавание можно выключить.",
        "Не узнавать этот браузер",
    ),
    ("off", "ru"): (
        "Ваш браузер не узнаётся",
        "Короткие ссылки открываются как обычно и не оставляют cookie, по которому вас"
        " можно узнать.",
        "Снова узнавать этот браузер",
    ),
}


def has_opted_out(cookies: bytes | None) -> bool:
    return cookies is not None and COOKIE in cookies


def respond(
    method: str, headers: Mapping[bytes, bytes], query: bytes, cookies: PixelCookies
) -> Response:
    if method == "POST":
        return _change(headers, query, cookies)
    state = "off" if has_opted_out(headers.get(b"cookie")) else "on"
    language = pages.preferred_language(headers.get(b"accept-language", b""))
    title, text, action = TEXTS[state, language]
    wanted = "yes" if state == "off" else "no"
    form = (
        f"<p>{text}</p>"
        f'<form method="post" action="{PATH}?{PARAMETER}={wanted}">'
        f"<button>{action}</button></form>"
    )
    vary: list[Header] = [(b"vary", b"Cookie")]
    return pages.document(200, language, title, form, vary)


def _change(
    headers: Mapping[bytes, bytes], query: bytes, cookies: PixelCookies
) -> Response:
    """Accept the form of this page only, not one of another site."""
    values = parse_qs(query[:MAX_QUERY_BYTES].decode("latin-1"))
    wanted = values.get(PARAMETER, [""])[0]
    is_ours = headers.get(b"sec-fetch-site", b"same-origin") == b"same-origin"
    if wanted not in {"yes", "no"} or not is_ours or not _is_own_origin(headers):
        return pages.page(404, headers.get(b"accept-language"))
    prefix, secure = ("__Host-", "; Secure") if cookies.https else ("", "")
    age = MAX_AGE if wanted == "no" else 0
    attributes = f"HttpOnly; SameSite=Lax{secure}"
    cookie = f"{prefix}sloptout=1; Path=/; Max-Age={age}; {attributes}"
    return Response(
        303,
        [
            (b"location", PATH.encode()),
            (b"set-cookie", cookie.encode()),
            *([(b"set-cookie", cookies.delete_header)] if wanted == "no" else []),
            (b"cache-control", b"no-store"),
            *pages.COMMON,
            (b"content-length", b"0"),
        ],
    )


def _is_own_origin(headers: Mapping[bytes, bytes]) -> bool:
    origin = headers.get(b"origin")
    return origin is None or origin.partition(b"//")[2] == headers.get(b"host")
