"""Requests are told apart by Sec-Fetch headers (docs/what-counts-as-an-open.md)."""

import pytest

from shortlinks.domain.visits import fetch_metadata
from shortlinks.domain.visits.bot_detection import RequestFacts, classify
from tests.factories import CHROME

FRAMES = ["embed", "fencedframe", "frame", "iframe", "object", "webview"]
# The destinations of the Fetch standard, apart from "document" and frames.
LOADED = [
    "audio", "audioworklet", "empty", "font", "image", "json", "manifest",
    "paintworklet", "report", "script", "serviceworker", "sharedworker",
    "speculationrules", "style", "text", "track", "video", "webidentity", "worker",
    "xslt",
]  # fmt: skip
MADE_UP = ["DOCUMENT", "Document", "page", "IFRAME", "IMAGE", '"document"', "?1"]
LOADING_MODES = ["cors", "no-cors", "same-origin", "websocket"]
MADE_UP_MODES = ["NAVIGATE", "Navigate", "fly", "prefetch", '"navigate"']
DESTINATIONS = ["document", "-", *FRAMES, *LOADED, *MADE_UP]


def verdict(sec_fetch: str, *, is_https: bool = True, agent: str = CHROME) -> str:
    facts = RequestFacts(
        user_agent=agent, sec_fetch=sec_fetch, is_https=is_https, accept_language="ru"
    )
    return classify(facts).verdict


@pytest.mark.parametrize(
    ("mode", "dests", "kind"),
    [
        ("navigate", ["document"], "navigation"),
        ("navigate", FRAMES, "frame"),
        ("navigate", ["-"], "incomplete"),
        ("navigate", [*LOADED, *MADE_UP], "unknown"),
        ("nested-navigate", DESTINATIONS, "frame"),
        ("-", ["document", "-"], "incomplete"),
        ("-", FRAMES, "frame"),
        ("-", LOADED, "subresource"),
        ("-", MADE_UP, "unknown"),
        *((mode, DESTINATIONS, "subresource") for mode in LOADING_MODES),
        *((mode.upper(), DESTINATIONS, "subresource") for mode in LOADING_MODES),
        *((mode, DESTINATIONS, "unknown") for mode in MADE_UP_MODES),
    ],
)
@pytest.mark.parametrize(
    "site", ["none", "cross-site", "same-site", "same-origin", "-"]
)
@pytest.mark.parametrize("user", ["?1", "?0", "-"])
def test_mode_and_destination_tell_the_kind(
    mode: str, dests: list[str], kind: str, site: str, user: str
) -> None:
    kinds = {
        dest: fetch_metadata.classify(f"{site} {mode} {dest} {user}") for dest in dests
    }

    assert kinds == dict.fromkeys(dests, kind)


@pytest.mark.parametrize(
    ("sec_fetch", "kind"),
    [
        ("", "none"),
        ("none navigate document", "unknown"),
        ("none navigate document ?1 and more", "unknown"),
        ("none  navigate document ?1", "unknown"),
    ],
)
def test_other_numbers_of_values_are_unknown(sec_fetch: str, kind: str) -> None:
    assert fetch_metadata.classify(sec_fetch) == kind


VERDICTS = {
    "none navigate document ?1": "person",
    "cross-site navigate document -": "person",
    "cross-site navigate iframe -": "suspect",
    "cross-site nested-navigate - -": "suspect",
    "cross-site - frame -": "suspect",
    "none navigate empty ?1": "suspect",
    "none navigate DOCUMENT ?1": "suspect",
    "none fly document ?1": "suspect",
    "none navigate document ?1 and more": "suspect",
    "none - document ?1": "suspect",
    "none navigate - ?1": "suspect",
    "cross-site no-cors image -": "bot",
    "cross-site NO-CORS image -": "bot",
    "cross-site - image -": "bot",
    "same-origin same-origin worker -": "bot",
    "cross-site cors empty -": "bot",
}


@pytest.mark.parametrize(("sec_fetch", "expected"), VERDICTS.items())
@pytest.mark.parametrize("is_https", [True, False])
def test_kind_of_request_decides_the_verdict(
    sec_fetch: str, expected: str, *, is_https: bool
) -> None:
    assert verdict(sec_fetch, is_https=is_https) == expected


@pytest.mark.parametrize(
    ("version", "sec_fetch", "expected"),
    [
        # Chrome 76 to 79 send a mode and no destination, older ones nothing.
        (79, "none navigate - ?1", "person"),
        (79, "cross-site navigate - -", "person"),
        (79, "cross-site nested-navigate - -", "suspect"),
        (79, "cross-site no-cors - -", "bot"),
        (75, "", "person"),
        (79, "", "person"),
        (80, "none navigate - ?1", "suspect"),
        (80, "", "suspect"),
    ],
)
def test_missing_headers_count_if_the_browser_sends_them(
    version: int, sec_fetch: str, expected: str
) -> None:
    agent = CHROME.replace("Chrome/140", f"Chrome/{version}")

    assert verdict(sec_fetch, agent=agent) == expected
