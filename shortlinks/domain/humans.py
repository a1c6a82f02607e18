"""Was it a person? A pure judgement over the stored facts of a visit (DESIGN 4).

Plain rules so far: a GET is a person's unless its user agent is empty, no browser's
or a well-known preview's (visits §2.3, steps 1, 2, 4 and 5).
"""

import re
from dataclasses import dataclass

from shortlinks.models import Verdict


@dataclass(frozen=True, slots=True)
class Facts:
    """What a request said of itself, as the redirect stored it."""

    method: str
    user_agent: str
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    verdict: Verdict
    reason: str


# Agents that fetch a link to show a card of it, as they name themselves.
_PREVIEW = re.compile(
    r"""bot\b | bot/ | preview | externalhit | facebookexternal | meta-external
    | vkshare | skypeuri | embedly | iframely | mastodon | whatsapp/2$
    | \+https?:// | crawler | spider/ | headless""",
    re.IGNORECASE | re.VERBOSE,
)
# Phones are called CUBOT, XBot or Spider: a device's name says nothing of who it is.
_DEVICE = re.compile(r"\((?:Linux;[^()]*Android|iPhone|iPad)[^()]*\)")
_BROWSER = ("Mozilla/", "Opera/")
_SHORTEST_AGENT = 5


def judge(facts: Facts) -> Judgement:
    if facts.method != "GET":
        return Judgement(Verdict.HEAD, "method")
    if facts.purpose:
        return Judgement(Verdict.PREFETCH, "purpose header")
    if len(facts.user_agent) < _SHORTEST_AGENT:
        return Judgement(Verdict.BOT, "no user agent")
    if not facts.user_agent.startswith(_BROWSER):
        return Judgement(Verdict.BOT, "not a browser")
    if _PREVIEW.search(_DEVICE.sub("", facts.user_agent)):
        return Judgement(Verdict.PREVIEW, "names itself")
    return Judgement(Verdict.PERSON, "browser")
