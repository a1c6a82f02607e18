"""`/privacy` on the short host: who does not want to be recognised says so here.

The cookie keeps this browser from getting a pixel; links lead on as ever.
"""

from collections.abc import Mapping
from urllib.parse import parse_qs

from shortlinks.domain.pixels.pixel_cookie import PixelCookies
from shortlinks.redirects import pages
from shortlinks.redirects.pages import Header, Response

PATH = "/privacy"
PARAMETER = "recognise"
MAX_AGE = 34_560_000  # seconds; 400 days, the most that browsers grant
NAME = b"sloptout=1"  # with or without __Host- before it

TEXTS = {
    ("on", "en"): (
        "Recognition of your browser",
        "When you open a short link, your browser may get a cookie by which your later"
        " chats with the sender are joined. You can switch that off for this browser.",
        "Do not recognise this browser",
    ),
    ("off", "en"): (
        "Your browser is not recognised",
        "Short links open as ever and leave no cookie by which you are recognised.",
        "Recognise this browser again",
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
    return cookies is not None and NAME in cookies


def answer(
    method: str, headers: Mapping[bytes, bytes], query: bytes, cookies: PixelCookies
) -> Response:
    if method == "POST":
        return _decided(headers, query, cookies)
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


def _decided(
    headers: Mapping[bytes, bytes], query: bytes, cookies: PixelCookies
) -> Response:
    """Only a form of this page decides, and no other site in the visitor's name."""
    wanted = parse_qs(query.decode("latin-1")).get(PARAMETER, [""])[0]
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
            *([(b"set-cookie", cookies.gone)] if wanted == "no" else []),
            (b"cache-control", b"no-store"),
            (b"content-length", b"0"),
        ],
    )


def _is_own_origin(headers: Mapping[bytes, bytes]) -> bool:
    origin = headers.get(b"origin")
    return origin is None or origin.partition(b"//")[2] == headers.get(b"host")
