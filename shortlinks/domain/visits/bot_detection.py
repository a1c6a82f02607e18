"""Decide from the facts of one visit whether a person made it.

The order of the rules is in docs/what-counts-as-an-open.md. Rules that need several
visits are in `burst_detection`.
"""

from dataclasses import dataclass
from functools import cache

from shortlinks.domain import known_networks
from shortlinks.domain.visits import (
    fetch_metadata,
    mail_gateways,
    user_agents,
    visit_records,
)
from shortlinks.domain.visits.user_agents import Kind
from shortlinks.models import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFacts:
    """The facts of a request, as the redirect stored them."""

    method: str = "GET"
    user_agent: str
    purpose: str = ""
    staff: str = ""
    network: known_networks.Owner | None = None
    referer: str = ""
    # Browsers send Sec-Fetch headers only over https.
    is_https: bool = False
    sec_fetch: str = ""
    accept_language: str = ""
    accepts_html: bool = True
    is_mixed: bool = False


@dataclass(frozen=True, slots=True)
class Classification:
    """A verdict with the key of its reason (`reasons`)."""

    verdict: Verdict
    reason: str


METHOD = Classification(Verdict.HEAD, "method")
PURPOSE_HEADER = Classification(Verdict.PREFETCH, "purpose header")
OFFICE_ADDRESS = Classification(Verdict.STAFF, "office address")
STAFF_BROWSER = Classification(Verdict.STAFF, "staff browser")
BY_USER_AGENT: dict[Kind, Classification] = {
    "preview": Classification(Verdict.PREVIEW, "preview user agent"),
    "bot": Classification(Verdict.BOT, "bot user agent"),
}
# Office requests a link, and then the person's browser does.
BY_UNCLEAR_USER_AGENT: dict[Kind, Classification] = {
    "office": Classification(Verdict.SUSPECT, "office user agent"),
    "suspect": Classification(Verdict.SUSPECT, "unclear user agent"),
}
# Gateways check links before a person's browser opens them, from their own page.
GATEWAY_CHECK = Classification(Verdict.SUSPECT, "gateway check")
GATEWAY_PAGE = Classification(Verdict.PERSON, "gateway page")
SCANNER_NETWORK = "scanner network"
PREVIEW_NETWORK = "preview network"
DATA_CENTER = "data center"
NOT_A_NAVIGATION = Classification(Verdict.BOT, "not a navigation")
BY_FETCH_METADATA: dict[fetch_metadata.Kind, Classification] = {
    "frame": Classification(Verdict.SUSPECT, "within a frame"),
    "unknown": Classification(Verdict.SUSPECT, "unknown kind of request"),
}
MISSING_BROWSER_HEADERS = Classification(Verdict.SUSPECT, "browser headers missing")
NO_PAGE_ACCEPTED = Classification(Verdict.SUSPECT, "no page accepted")
MIXED_VISITS = Classification(Verdict.SUSPECT, "mixed visits")
PERSON = Classification(Verdict.PERSON, "browser")
PERSONS = (PERSON, GATEWAY_PAGE)


def classify(facts: RequestFacts) -> Classification:
    return _by_request(facts) or _by_sender(facts) or PERSON


def is_data_center(classification: Classification) -> bool:
    return classification.reason.startswith(DATA_CENTER)


def is_part_of_page(classification: Classification) -> bool:
    """Return whether the request may come from within a page, such as from a frame."""
    return classification in (NO_PAGE_ACCEPTED, *BY_FETCH_METADATA.values())


def _by_request(facts: RequestFacts) -> Classification | None:
    if facts.method != "GET":
        return METHOD
    if facts.purpose:
        return PURPOSE_HEADER
    if facts.staff:
        return OFFICE_ADDRESS if facts.staff == visit_records.OFFICE else STAFF_BROWSER
    if facts.is_mixed:
        return MIXED_VISITS
    if by_agent := BY_USER_AGENT.get(user_agents.classify(facts.user_agent)):
        return by_agent
    is_navigation = fetch_metadata.classify(facts.sec_fetch) != "subresource"
    return None if is_navigation else NOT_A_NAVIGATION


def _by_sender(facts: RequestFacts) -> Classification | None:
    network = _by_network(facts.network) if facts.network else None
    if network and network.verdict is not Verdict.SUSPECT:
        return network
    if unclear := BY_UNCLEAR_USER_AGENT.get(user_agents.classify(facts.user_agent)):
        return unclear
    if _lacks_headers(facts):
        return MISSING_BROWSER_HEADERS
    if not facts.sec_fetch and not facts.accepts_html:
        return NO_PAGE_ACCEPTED
    if by_metadata := BY_FETCH_METADATA.get(fetch_metadata.classify(facts.sec_fetch)):
        return by_metadata
    return network or _by_gateway(facts)


@cache
def _by_network(owner: known_networks.Owner) -> Classification:
    """Classify by the owner of the network.

    Data centers are only suspects, because people use them, too, by a VPN or a proxy.
    """
    if owner.certainty == "probable":
        return Classification(Verdict.SUSPECT, f"{DATA_CENTER}: {owner.key}")
    if owner.scope == "previews":
        return Classification(Verdict.PREVIEW, f"{PREVIEW_NETWORK}: {owner.key}")
    return Classification(Verdict.BOT, f"{SCANNER_NETWORK}: {owner.key}")


def _by_gateway(facts: RequestFacts) -> Classification | None:
    """Classify a visit from a gateway's page; its own checks name no languages."""
    if not mail_gateways.is_page(facts.referer):
        return None
    return GATEWAY_PAGE if facts.accept_language else GATEWAY_CHECK


def _lacks_headers(facts: RequestFacts) -> bool:
    """Return whether a recent browser sent no Sec-Fetch or Accept-Language header."""
    if not facts.is_https and not facts.sec_fetch:
        return False
    kind = fetch_metadata.classify(facts.sec_fetch)
    is_complete = kind not in {"none", "incomplete"} and facts.accept_language
    return not is_complete and fetch_metadata.is_expected(facts.user_agent)
