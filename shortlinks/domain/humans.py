"""Was it a person? A pure judgement over the stored facts of a visit (DESIGN 4).

The decision order of visits §2.3, as far as it is built: method, purpose, user agent.
"""

from dataclasses import dataclass

from shortlinks.domain import user_agents
from shortlinks.domain.user_agents import Kind
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


BY_KIND: dict[Kind, Judgement] = {
    "person": Judgement(Verdict.PERSON, "browser"),
    "preview": Judgement(Verdict.PREVIEW, "user agent of a preview"),
    "bot": Judgement(Verdict.BOT, "user agent of a program"),
}
BY_METHOD = Judgement(Verdict.HEAD, "method")
BY_PURPOSE = Judgement(Verdict.PREFETCH, "purpose header")


def judge(facts: Facts) -> Judgement:
    if facts.method != "GET":
        return BY_METHOD
    if facts.purpose:
        return BY_PURPOSE
    return BY_KIND[user_agents.kind(facts.user_agent)]
