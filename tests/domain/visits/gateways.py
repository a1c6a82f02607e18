"""Mail gateways as public sources describe them, for a simulated mailing.

Sources:

1. check.live-direct-marketing.online/blog/microsoft-defender-link-click-pattern
2. stackoverflow.com/questions/67179134
3. proofpoint.my.site.com/support/PPSup_SupportInfo
4. wordtothewise.com/2013/07/barracuda-filters-clicking-all-links
5. campus.barracuda.com/product/sentinel/doc/498468311
6. adamfowlerit.com/tag/safe-links
7. check.live-direct-marketing.online/blog/bot-clicks-security-scanners-detect
8. suped.com, how-can-i-identify-bot-user-agents-in-my-email-click-data
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.factories import CHROME

COMPLETE = {"sec_fetch": "none navigate document ?1", "accept_language": "en-US"}
CLICKED = {"sec_fetch": "cross-site navigate document ?1", "accept_language": "ru"}
# Teams and other pages open a link by script, without a gesture.
BY_SCRIPT = {"sec_fetch": "cross-site navigate document -", "accept_language": "ru"}
SILENT = {"sec_fetch": "", "accept_language": ""}
SENTINEL = "Barracuda Sentinel (EE)"
OLD_CHROME = CHROME.replace("140", "72")


@dataclass(frozen=True, slots=True)
class Machine:
    """Requests of a gateway for each link, seconds after delivery or before a click."""

    networks: Sequence[str]  # the first three bytes of addresses
    seconds: tuple[float, float]
    facts: dict[str, str]
    reason: str
    user_agent: str = CHROME
    before_clicks: bool = False


@dataclass(frozen=True, slots=True)
class Gateway:
    machines: Sequence[Machine]
    pages: Sequence[str]  # the referers of a person's click; "" for a redirect


GATEWAYS = {
    "safe-links": Gateway(
        [
            # every link within 60 s [1], from 40.94 [2]
            Machine(
                ["40.94.87", "40.94.95", "52.98.31"],
                (1, 60),
                COMPLETE,
                "scanner network",
            ),
            # headless Chrome in a sandbox [1]
            Machine(["20.42.7", "52.154.9", "104.209.3"], (30, 900), COMPLETE,
                    "data center: azure"),
            # milliseconds before the person [1]
            Machine(["104.47.13"], (0.05, 0.4),
                    SILENT | {"referer": "eur02.safelinks.protection.outlook.com"},
                    "scanner network", OLD_CHROME, before_clicks=True),
        ],
        # pages of Safe Links and Teams [6]
        ["", "eur02.safelinks.protection.outlook.com", "statics.teams.cdn.office.net",
         "teams.public.onecdn.static.microsoft"],
    ),
    "proofpoint": Gateway(
        [
            # from its own networks [3]
            Machine(["67.231.150", "148.163.129"], (1, 30), SILENT, "scanner network"),
            Machine(["54.186.1", "52.24.9"], (10, 600), COMPLETE, "data center: aws"),
            Machine(["67.231.154"], (0.1, 2), COMPLETE, "scanner network",
                    before_clicks=True),
        ],
        ["", "urldefense.com", "urldefense.proofpoint.com"],
    ),
    "mimecast": Gateway(
        [
            Machine(["91.220.42", "207.211.30"], (1, 20), COMPLETE, "scanner network"),
            Machine(["195.130.217"], (1, 3), SILENT, "scanner network", OLD_CHROME,
                    before_clicks=True),
        ],
        ["", "security-us.mimecast.com", "protect-eu.mimecast.com"],
    ),
    "barracuda": Gateway(
        [
            # from its own networks [5]
            Machine(["209.222.84", "64.235.150"], (1, 20), COMPLETE, "scanner network"),
            # from others since [5], with this agent [8]
            Machine(["3.91.4", "18.209.6"], (20, 400), SILENT, "bot user agent",
                    SENTINEL),
            Machine(["3.91.5", "18.209.7"], (20, 400), COMPLETE, "data center: aws"),
        ],
        ["", "linkprotect.cudasvc.com"],
    ),
}  # fmt: skip
