"""Was it a person? A pure judgement over the stored facts of a visit (DESIGN 4).

The decision order of visits §2.3, for one visit alone. What only several visits of one
source show is in `bursts`.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from django.utils.translation import gettext_noop

from shortlinks.domain import user_agents, visit_rows
from shortlinks.domain.user_agents import Kind
from shortlinks.models import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a request said of itself, as the redirect stored it."""

    method: str = "GET"
    user_agent: str
    purpose: str = ""
    staff: str = ""
    is_machines_address: bool = False  # it lies in BOT_NETWORKS
    referer: str = ""
    # Only over https do browsers send Sec-Fetch, so only there its absence speaks.
    is_https: bool = False
    sec_fetch: str = ""
    accept_language: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Reasons are stored and told by the API in English; the admin translates them."""

    verdict: Verdict
    reason: str


BY_METHOD = Judgement(Verdict.HEAD, gettext_noop("method"))
BY_PURPOSE = Judgement(Verdict.PREFETCH, gettext_noop("purpose header"))
BY_OFFICE = Judgement(Verdict.STAFF, gettext_noop("office address"))
BY_COLLEAGUE = Judgement(Verdict.STAFF, gettext_noop("browser of a colleague"))
BY_KIND: dict[Kind, Judgement] = {
    "preview": Judgement(Verdict.PREVIEW, gettext_noop("user agent of a preview")),
    "bot": Judgement(Verdict.BOT, gettext_noop("user agent of a program")),
}
BY_ADDRESS = Judgement(Verdict.BOT, gettext_noop("network of machines"))
BY_REFERER = Judgement(Verdict.SCANNER, gettext_noop("comes from a mail gateway"))
IMITATION = Judgement(Verdict.SUSPECT, gettext_noop("lacks what its browser sends"))
PERSON = Judgement(Verdict.PERSON, gettext_noop("browser"))

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
_CLAIMS = (
    (re.compile(r"\bChrome/(\d+)"), (80, 0)),
    (re.compile(r"\bFirefox/(\d+)"), (90, 0)),
    (re.compile(r"\bVersion/(\d+)\.(\d+).* Safari/"), (16, 4)),
)


def judge(facts: Facts) -> Judgement:
    return _by_request(facts) or _by_sender(facts) or PERSON


def _by_request(facts: Facts) -> Judgement | None:
    if facts.method != "GET":
        return BY_METHOD
    if facts.purpose:
        return BY_PURPOSE
    if facts.staff:
        return BY_OFFICE if facts.staff == visit_rows.OFFICE else BY_COLLEAGUE
    return BY_KIND.get(user_agents.kind(facts.user_agent))


def _by_sender(facts: Facts) -> Judgement | None:
    if facts.is_machines_address:
        return BY_ADDRESS
    if facts.referer and _GATEWAYS.search(facts.referer):
        return BY_REFERER
    return IMITATION if _lacks_headers(facts) else None


def _lacks_headers(facts: Facts) -> bool:
    """A recent browser tells over https how it came by the page, and its language."""
    if not facts.is_https:
        return False
    tells = navigates(facts.sec_fetch) and facts.accept_language
    return not tells and claims_to_tell(facts.user_agent)


def navigates(sec_fetch: str) -> bool:
    """Sec-Fetch-Mode and -Dest are there ("-" stands for one that is not)."""
    values = sec_fetch.split(" ")
    return len(values) > 2 and "-" not in values[1:3]


@lru_cache(user_agents.REMEMBERED)
def claims_to_tell(user_agent: str) -> bool:
    for pattern, first in _CLAIMS:
        if claimed := pattern.search(user_agent):
            return tuple(int(number) for number in claimed.groups("0")) >= first
    return False
