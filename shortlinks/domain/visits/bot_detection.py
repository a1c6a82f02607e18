"""Was it a person? A pure judgement over the stored facts of a visit (DESIGN 4).

The decision order of visits §2.3, for one visit alone. What only several visits of one
source show is in `bursts`.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from django.utils.translation import gettext_noop

from shortlinks.domain.visits import user_agents, visit_records
from shortlinks.domain.visits.user_agents import Kind
from shortlinks.models import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFacts:
    """What a request said of itself, as the redirect stored it."""

    method: str = "GET"
    user_agent: str
    purpose: str = ""
    staff: str = ""
    is_bot_network: bool = False  # it lies in BOT_NETWORKS_PATH
    referer: str = ""
    # Only over https do browsers send Sec-Fetch, so only there its absence speaks.
    is_https: bool = False
    sec_fetch: str = ""
    accept_language: str = ""


@dataclass(frozen=True, slots=True)
class Classification:
    """Reasons are stored and told by the API in English; the admin translates them."""

    verdict: Verdict
    reason: str


METHOD = Classification(Verdict.HEAD, gettext_noop("method"))
PURPOSE_HEADER = Classification(Verdict.PREFETCH, gettext_noop("purpose header"))
OFFICE_ADDRESS = Classification(Verdict.STAFF, gettext_noop("office address"))
STAFF_BROWSER = Classification(Verdict.STAFF, gettext_noop("browser of a colleague"))
BY_USER_AGENT: dict[Kind, Classification] = {
    "preview": Classification(Verdict.PREVIEW, gettext_noop("user agent of a preview")),
    "bot": Classification(Verdict.BOT, gettext_noop("user agent of a program")),
}
BOT_NETWORK = Classification(Verdict.BOT, gettext_noop("network of machines"))
MAIL_GATEWAY = Classification(
    Verdict.SCANNER, gettext_noop("comes from a mail gateway")
)
MISSING_BROWSER_HEADERS = Classification(
    Verdict.SUSPECT, gettext_noop("lacks what its browser sends")
)
PERSON = Classification(Verdict.PERSON, gettext_noop("browser"))

# Where mail gateways put the links that they check (visits §2.1). Reviewed by hand.
_GATEWAYS = re.compile(
    r"""(?:^|\.)(?: safelinks\.protection\.outlook\.com | urldefense\.(?:com|us)
    | urldefense\.proofpoint\.com | statics\.teams\.cdn\.office\.net
    | mimecastprotect\.com | protect(?:-\w+)?\.mimecast\.com | cudasvc\.com
    | protection\.sophos\.com | clicktime\.symantec\.com | secure-web\.cisco\.com
    | scanmail\.trustwave\.com | protect2\.fireeye\.com | emailprotection\.link
    | click\.avanan\.net | protect\.checkpoint\.com | urlsand\.com
    | imsva91-ctp\.trendmicro\.com | tmase\.trendmicro\.com )$
    | ^security-[\w-]+\.mimecast\w*\.com$""",
    re.VERBOSE,
)
# What a browser calls itself, and the first version that sends Sec-Fetch headers.
_FIRST_WITH_FETCH_HEADERS = (
    (re.compile(r"\bChrome/(\d+)"), (80, 0)),
    (re.compile(r"\bFirefox/(\d+)"), (90, 0)),
    (re.compile(r"\bVersion/(\d+)\.(\d+).* Safari/"), (16, 4)),
)


def classify(facts: RequestFacts) -> Classification:
    return _by_request(facts) or _by_sender(facts) or PERSON


def _by_request(facts: RequestFacts) -> Classification | None:
    if facts.method != "GET":
        return METHOD
    if facts.purpose:
        return PURPOSE_HEADER
    if facts.staff:
        return OFFICE_ADDRESS if facts.staff == visit_records.OFFICE else STAFF_BROWSER
    return BY_USER_AGENT.get(user_agents.classify(facts.user_agent))


def _by_sender(facts: RequestFacts) -> Classification | None:
    if facts.is_bot_network:
        return BOT_NETWORK
    if facts.referer and _GATEWAYS.search(facts.referer):
        return MAIL_GATEWAY
    return MISSING_BROWSER_HEADERS if _lacks_headers(facts) else None


def _lacks_headers(facts: RequestFacts) -> bool:
    """A recent browser tells over https how it came by the page, and its language."""
    if not facts.is_https:
        return False
    tells = has_navigation_headers(facts.sec_fetch) and facts.accept_language
    return not tells and should_send_fetch_headers(facts.user_agent)


def has_navigation_headers(sec_fetch: str) -> bool:
    """Sec-Fetch-Mode and -Dest are there ("-" stands for one that is not)."""
    values = sec_fetch.split(" ")
    return len(values) > 2 and "-" not in values[1:3]


@lru_cache(user_agents.CACHE_SIZE)
def should_send_fetch_headers(user_agent: str) -> bool:
    for pattern, first in _FIRST_WITH_FETCH_HEADERS:
        if claimed := pattern.search(user_agent):
            return tuple(int(number) for number in claimed.groups("0")) >= first
    return False
