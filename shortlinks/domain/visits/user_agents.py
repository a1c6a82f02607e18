"""Whether a user agent is a person's browser, by what it says of itself (visits §2.2).

Names of machines are looked for only where a browser has no names of its own: outside
of the device's comment (phones are called CUBOT, XBot or Spider 8) and of the tokens
that in-app browsers add (a message opened within WhatsApp is a person's, WhatsApp
alone is its preview). The data below is reviewed by hand and measured in the tests.
"""

import re
from functools import lru_cache
from typing import Literal

Kind = Literal["person", "preview", "bot"]

MAX_LENGTH = 512
MIN_LENGTH = 5
CACHE_SIZE = 4096

_BROWSER = re.compile(r"Mozilla/[45]\.\d|Opera/\d")

# The first comment of a browser on a real device; one with an address in it is not.
_DEVICE = re.compile(
    r"""\((?: Linux[;)] | Linux\ | Android[ ;] | iPhone | iPad | iPod | Windows[ ;)]
    | Macintosh | X11; | Mobile; | Tablet; | Phone; | PC; | Wayland; | Series | Tizen
    | BB10 | PlayStation | Nintendo | SMART-TV | Web0S | CrKey | KAIOS | Darwin )
    (?![^()]*(?:https?:|@\w)) [^()]*(?:\([^()]*\)[^()]*)*\)""",
    re.VERBOSE,
)

# What apps add to their browsers' agents.
_IN_APP = re.compile(
    r"""(?: \bViber(?:/[\d.]+)? | \bWhatsApp/[\d.]+ | \bTelegram(?:-\w+)?/[\d.]+
    | \bVK(?:AndroidApp|iOS|Client)/\S+ | \bOK(?:Android|iOS)/\S+ | \bOkApp\b
    | \bMax(?:Messenger|App)?/[\d.]+ | \bMail\.?Ru(?:App)?/[\d.]+
    | \bOutlook-(?:Android|iOS)/[\d.]+
    | \bYa(?:SearchBrowser|SearchApp|App|Browser)\S* | \bcom\.yandex\.\S+
    | \[(?:FBAN|FB_IAB|FBIA)[^\]]*\]? | \bMetaIAB\ \w+ | \bMessengerLite[^ ]*
    | \bInstagram\ [^()]* | \b(?:Barcelona|Threads)\ [^()]*
    | \bLine/[\d.]+(?:/IAB)? | \bKAKAOTALK[ /][\d.]+ | \bZalo\ [^()\s]+
    | \bMicroMessenger/.* | Snapchat/?[\d.]*
    | \[Pinterest/\w+\] | \bPinterest[\w ]*/[\d.]+
    | \[LinkedInApp\]\S* | \bLinkedInApp\S*
    | \bTwitter\ for\ i\w+\S* | \bTwitterAndroid\b
    | \bmusical_ly_\S+ | \btrill_\S+ | \bBytedanceWebview/\w+ | \bByteLocale/\S+
    | \(Ecosia\ \w+@[\d.]+\) | \bGSA/\S+ | \bGoogleApp/\S+ | \bcom\.google\.\S+
    | \bDuckDuckGo/\S+ | \bFlipboard\S* | \bCoolMarket/\S+
    | \bSogou\w+[/,]\S* | \bbaiduboxapp/\S+ )
    (?:\ ?\([^()]*\)?)?  # the device once more, by a name that may be anything""",
    re.VERBOSE | re.IGNORECASE,
)

# How machines call themselves, once the above is gone; in small letters, since that is
# quicker than to ignore the case.
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
    | barracuda | proofpoint | mimecast | sentinel | netcraft | phish | detectify
    | censys | expanse | shodan | nuclei | zgrab | masscan | nmap | \bscan | scanner
    | monitor | uptime | pingdom | statuscake | catchpoint | ptst/ | gtmetrix
    | diagnostics | observatory | yottaa | siteimprove | check(?:er)?\b
    | validator | verif | survey | archiv | nutch | heritrix | indexer
    | \brss | subscribers | \bproxy | transcoder | optimizer
    | collector | analy[sz]e | datanyze | brandverity | reputation | lookup | scorer
    | agent/ | -agent | -user/ | researchscan
    | headers\b | convertify | screenshot | ghost\ inspector
    | \bcurl | wget | python | aiohttp | httpx | okhttp | go-http | java[/)] | axios
    | node-fetch | undici | guzzle | libwww | httpclient | \bruby | \bperl | \bphp
    | postman | insomnia | cfnetwork | ms-office | microsoft\ office | outlook
    | https?:/ | \bwww\. | mailto | @[\w-]+\.\w | \(at\)
    | \b[\w-]{1,40}\.(?:com|net|org|io|ai)\b
    | compatible;(?!\ +(?:msie\ \d|konqueror)[^;]*; ) | like\ gecko;""",
    re.VERBOSE,
)
_OLD_BROWSER = re.compile(
    r"\(compatible; +(?:MSIE \d|Konqueror)[^()]*\)", re.IGNORECASE
)


@lru_cache(CACHE_SIZE)
def classify(agent: str) -> Kind:
    agent = agent[:MAX_LENGTH]
    is_browsers = len(agent) >= MIN_LENGTH and _BROWSER.match(agent)
    rest = strip_device_and_app(agent) if is_browsers else None
    if _PREVIEW.search((agent if rest is None else rest).lower()):
        return "preview"
    return "bot" if rest is None or _MACHINE.search(rest.lower()) else "person"


def strip_device_and_app(agent: str) -> str | None:
    """What is left of an agent without its device and its app; None if it has none.

    A browser names its device in its first comment, or there says what it is like.
    """
    start = agent.find("(")
    device = _DEVICE.match(agent, start) or _OLD_BROWSER.match(agent, start)
    if start < 0 or device is None:
        return None
    return _IN_APP.sub("", agent[:start] + agent[device.end() :])
