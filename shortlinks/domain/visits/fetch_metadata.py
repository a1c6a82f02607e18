"""Classify a request by its Sec-Fetch headers (W3C Fetch Metadata).

Browsers send them to trustworthy origins: over https, and to localhost. Scripts of a
page cannot change them, but other programs can send anything.
"""

import re
from functools import lru_cache
from typing import Literal

from shortlinks.domain.visits import user_agents

Kind = Literal["navigation", "frame", "subresource", "incomplete", "unknown", "none"]

ABSENT = "-"
# Modes of requests that a page, script or extension makes. Only `navigate` opens.
_LOADING_MODES = frozenset({"cors", "no-cors", "same-origin", "websocket"})
_NESTED = "nested-navigate"  # sent by Chrome 76 to 79 for frames
_FRAMES = frozenset({"iframe", "frame", "object", "embed", "fencedframe", "webview"})
# The other destinations of the Fetch standard.
_LOADED = frozenset(
    {"audio", "audioworklet", "empty", "font", "image", "json", "manifest",
     "paintworklet", "report", "script", "serviceworker", "sharedworker",
     "speculationrules", "style", "text", "track", "video", "webidentity", "worker",
     "xslt"}
)  # fmt: skip

# Browsers and their first versions that send Sec-Fetch headers.
_FIRST_WITH_FETCH_HEADERS = (
    (re.compile(r"\bChrome/(\d+)"), (80,)),
    (re.compile(r"\bFirefox/(\d+)"), (90,)),
    (re.compile(r"\bVersion/(\d+)\.(\d+).* Safari/"), (16, 4)),
)


@lru_cache(user_agents.CACHE_SIZE)
def classify(sec_fetch: str) -> Kind:
    """Classify the stored values of Site, Mode, Dest and User ("-": absent)."""
    values = sec_fetch.split(" ")
    if len(values) != 4:
        return "unknown" if sec_fetch else "none"
    mode, dest = values[1:3]
    if mode == "navigate":
        return _navigation(dest)
    if mode.lower() in _LOADING_MODES:
        return "subresource"
    if mode == _NESTED:
        return "frame"
    return _without_mode(dest) if mode == ABSENT else "unknown"


def _navigation(dest: str) -> Kind:
    if dest == "document":
        return "navigation"
    if dest in _FRAMES:
        return "frame"
    return "incomplete" if dest == ABSENT else "unknown"


def _without_mode(dest: str) -> Kind:
    """Classify by the destination alone, because a proxy may have removed the mode."""
    if dest in {ABSENT, "document"}:
        return "incomplete"
    if dest in _FRAMES:
        return "frame"
    return "subresource" if dest in _LOADED else "unknown"


@lru_cache(user_agents.CACHE_SIZE)
def is_expected(user_agent: str) -> bool:
    """Return whether the claimed browser sends these headers over https."""
    for pattern, first in _FIRST_WITH_FETCH_HEADERS:
        if claimed := pattern.search(user_agent):
            return tuple(int(number) for number in claimed.groups("0")) >= first
    return False
