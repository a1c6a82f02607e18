"""Classify user agents as browsers of people, previews or bots.

The model of an Android phone is ignored, because phones are called CUBOT, XBot or
Spider 8. Tokens of in-app browsers are ignored, too: a link opened within WhatsApp is a
person's, but WhatsApp alone requests a preview. The rest is searched for the general
words below, and for names in data files (`user_agent_names`).
"""

import re
from functools import lru_cache
from typing import Literal

from shortlinks.domain.visits import user_agent_names as names

Kind = Literal["person", "office", "suspect", "preview", "bot"]

MAX_LENGTH = 512
MIN_LENGTH = 5
CACHE_SIZE = 4096

_BROWSER = re.compile(
    r"Mozilla/[45]\.\d|Opera/\d|UCWEB/\d|JUC ?\("
    r"|(?:BlackBerry|Nokia|SAMSUNG-|SonyEricsson|LG-|MOT-)\S+.{0,80} Profile/MIDP-",
    re.IGNORECASE,
)
# Facebook for Android sends nothing else.
_BARE_APP = re.compile(r"\[FB(?:AN|_IAB)/\w[^\[\]]*\]?$")

# Browsers name the device in their first comment.
_DEVICE = re.compile(
    r"""\((?: Linux[;)/] | Linux\ | Android[ ;] | iPhone | iPad | iPod | Windows[ ;)]
    | Macintosh | X11; | Wayland; | Ubuntu[;/] | FreeBSD; | PC; | 2in1; | OS/2
    | Mobile; | Tablet; | Phone; | Cloud\ Phone | Librem | Series | Tizen | SAMSUNG;
    | Darwin | BB10 | BlackBerry | PlayBook | Symbian | Maemo | MeeGo | Sailfish
    | KAIOS | hp-tablet; | [^()]*Opera\ Mini/
    | J2ME/ | MAUI | Java; | PlayStation | Nintendo | New\ Nintendo
    | SMART-TV | SmartHub; | Web0S | webOS | CrKey | DirectFB; | Unknown;\ Linux
    | LG\ NetCast
    | MSIE\ \d | compatible;\ +(?:MSIE\ \d|Konqueror) )""",
    re.VERBOSE | re.IGNORECASE,
)
_FEATURE_PHONE = re.compile(
    r"\S+ (?:\([^()]*\))?[^()]*(?:Profile/MIDP-|\(MIDP)|UCWEB/\S+ ?\(", re.IGNORECASE
)
_NAMES_MODEL = re.compile(
    r"(?:Linux;(?! Tizen)|Linux; U;|Android|Mobile;|Phone;|Tablet;)", re.IGNORECASE
)
# Parts of a comment that are not the model. Catchpoint's name is in the model's place.
_SYSTEM = re.compile(
    r"""\s*(?: Linux(?:\ \w+)? | U | (?:Android|OpenHarmony|HarmonyOS|Tizen)\b[\ \w.-]*
    | Mobile | Phone | Tablet | TV | wv | in-app | Catchpoint | rv:[\d.]+
    | arm\w* | x86\w*
    | [a-z]{2}(?:[-_][a-z]{2,4})? )\s*""",
    re.VERBOSE | re.IGNORECASE,
)
# Some networks and apps remove parentheses, or write their name before the browser's.
_LOST_PARENTHESES = re.compile(
    r"(Mozilla/5\.0) ((?:Linux|iPhone|iPad|iPod);[^()]*?) (AppleWebKit/\S+)"
    r" KHTML, like Gecko"
)
_WITH_PARENTHESES = r"\1 (\2) \3 (KHTML, like Gecko)"
# Apps join their name with a space or a slash. Programs list browsers they imitate.
_NAME_BEFORE = re.compile(
    r"(?P<name>[^(),;|]{0,64}?)[HM]{0,2}oz+il+a ?/? ?[4-6]\.\d ?"
    r"(?=\((?:Linux;|Android|iPhone;|iPad;|iPod))"
)
# Browsers of feature phones and of early phones with Android.
_OLD_PHONE = re.compile(
    r"\w.{0,80}(?:Profile/MIDP-|UP\.Browser/\d|WAP[ -]Browser/|MAUI[/ -]"
    r"|Android/\d.{0,80}(?:Browser/|AppleWebKit))",
    re.IGNORECASE,
)
_PARENTHESIS = re.compile(r"[()]")
_BEFORE_ENGINE = ") AppleWebKit/"  # ends a comment with an unclosed parenthesis
_ADDRESS = re.compile(r"https?:|@\w")

# General words of programs, in lowercase, which is faster than ignoring the case.
_PREVIEW = re.compile(
    r"""preview | externalhit | facebot | facebookexternal | meta-external | vkshare
    | whatsapp | viber | skype | embed | iframely | cardyb | mastodon | mattermost
    | unfurl | imageproxy | mailproxy | emailproxy | mail\.\S{0,40}\ proxy | snapchat
    | telegram | odkl | linkexpand""",
    re.VERBOSE,
)
_MACHINE = re.compile(
    r"""bot(?![a-z]) | bot[/_-] | robot | crawl | spider | slurp | scrap(?:e|y|ing|er)
    | fetch | headless | phantom | selenium | puppeteer | playwright | lighthouse
    | inspect | page\ ?speed | search\ console | adsense | adwords | google-
    | google_partner | duplexweb | linkverification | virustotal | safebrows | safeweb
    | barracuda | proofpoint | mimecast | sentinel | phish | \bscan | scanner
    | monitor | uptime | synthetic | diagnostics | observatory | check(?:er)?\b
    | validator | verif | survey | archiv | indexer | translat
    | \brss | subscribers | \bproxy | transcoder | optimizer
    | collector | analy[sz]e | reputation | lookup | scorer
    | agent/ | -agent | -user/ | researchscan
    | headers\b | convertify | screenshot | ghost\ inspector
    | \bcurl | wget | python | aiohttp | httpx | okhttp | go-http | java[/)] | axios
    | node-fetch | undici | guzzle | libwww | httpclient | \bruby | \bperl | \bphp
    | postman | insomnia | cfnetwork
    | https?:/ | \bwww\. | mailto | @[\w-]+\.\w | \(at\)
    | [\w-]\.(?:com|net|org|io|ai)\b
    | compatible;(?!\ +(?:msie\ \d|konqueror)[^;]*; ) | like\ gecko;""",
    re.VERBOSE,
)
_OFFICE = re.compile(
    r"""ms-?office | macoutlook
    | microsoft\ (?:office|outlook|word|excel|powerpoint|onenote|visio|publisher)
    | \b(?:word|excel|powerpoint|onenote|outlook)/\d""",
    re.VERBOSE,
)
# A framework of desktop apps, and its earlier name.
_DESKTOP_APP = re.compile(r" (?:electron|atomshell)/", re.IGNORECASE)
# Signs of a program, which names of apps do not contain.
_EXPLICIT = re.compile(r"compatible|https?:|www\.|@\w|mailto|\bbot\b")


@lru_cache(CACHE_SIZE)
def classify(agent: str) -> Kind:
    """Return who sends this user agent.

    "office" is a request by Microsoft Office before the browser's own. "suspect" may be
    a person's app or a program.
    """
    agent = agent[:MAX_LENGTH].strip()
    if _BARE_APP.match(agent):
        return "person"
    text = readable_text(agent)
    if text is None:
        return _classify_non_browser(agent.lower())
    lower = text.lower()
    return _by_names(lower) or _by_words(lower)


def readable_text(agent: str) -> str | None:
    """Return an agent without model and app, or None if it is not a browser's."""
    if len(agent) < MIN_LENGTH:
        return None
    if _BROWSER.match(agent):
        return _readable_browser(_LOST_PARENTHESES.sub(_WITH_PARENTHESES, agent))
    if found := _NAME_BEFORE.match(agent):
        browser = _readable_browser(f"Mozilla/5.0 {agent[found.end() :]}")
        return browser and f"{found['name']} {browser}"
    return agent if _OLD_PHONE.match(agent) else None


def _readable_browser(agent: str) -> str | None:
    start = agent.find("(")
    end = _end_of_comment(agent, start) or agent.find(_BEFORE_ENGINE, start) + 1
    if end and _DEVICE.match(agent, start):
        comment = agent[start + 1 : end - 1]
        if _NAMES_MODEL.match(comment) and not _ADDRESS.search(comment):
            comment = _without_model(comment)
        agent = f"{agent[:start]}({comment}){agent[end:]}"
    elif not _FEATURE_PHONE.match(agent):
        return None
    if _DESKTOP_APP.search(agent):
        return agent
    return names.APPS.sub("", agent)


def has_word_of_preview(name: str) -> bool:
    """Return whether a general word finds a preview or Microsoft Office."""
    lower = name.lower()
    return bool(_PREVIEW.search(lower) or _OFFICE.search(lower))


def _end_of_comment(agent: str, start: int) -> int:
    """Return the position after the comment that starts here, or 0."""
    depth = 0
    for found in _PARENTHESIS.finditer(agent, max(start, 0)):
        depth += 1 if found[0] == "(" else -1
        if depth == 0:
            return found.end()
    return 0


def _without_model(comment: str) -> str:
    parts = comment.split(";")
    has_build = " build/" in comment.lower()
    for index, part in enumerate(parts):
        if " build/" in part.lower() if has_build else not _SYSTEM.fullmatch(part):
            return ";".join(parts[:index] + parts[index + 1 :])
    return comment


def _classify_non_browser(lower: str) -> Kind:
    if _PREVIEW.search(lower) or names.PREVIEWS.search(lower):
        return "preview"
    return "office" if _OFFICE.search(lower) else "bot"


def _by_names(lower: str) -> Kind | None:
    if names.PREVIEWS.search(lower):
        return "preview"
    if _OFFICE.search(lower):
        return "office"
    if names.BOTS.search(lower):
        return "bot"
    return _electron(lower) if _DESKTOP_APP.search(lower) else None


def _electron(lower: str) -> Kind | None:
    """Classify an app that is not a browser: it requests links only for previews."""
    if names.ELECTRON_BROWSERS.search(lower):
        return None
    return "preview" if names.ELECTRON_MESSENGERS.search(lower) else "suspect"


def _by_words(lower: str) -> Kind:
    kind = _general_word(lower)
    if kind is None:
        return "person"
    return "suspect" if _is_named_app(lower) else kind


def _general_word(lower: str) -> Kind | None:
    if _PREVIEW.search(lower):
        return "preview"
    return "bot" if _MACHINE.search(lower) else None


def _is_named_app(lower: str) -> bool:
    """Return whether the word is only in the app's name after a mobile browser."""
    if " mobile" not in lower:
        return False
    end = max(lower.rfind(" mobile"), lower.rfind(" safari/"))
    view, app = lower[:end], lower[end:]
    return not _general_word(view) and not _EXPLICIT.search(app)
