"""Merge rules, compared with the table of docs/merge-rules.md."""

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings

from shortlinks.domain.merging import rules
from shortlinks.domain.merging.rules import (
    Browser,
    BrowserOwner,
    ContactRef,
    Decision,
    MergeContext,
    Redemption,
)
from tests import factories

NOW = factories.at("12:00:00")
PAGE = Path(settings.BASE_DIR) / "docs" / "merge-rules.md"
COLUMNS = ["Case", "Event", "Opened by", "Redeemed clicks", "Given", "Outcome"]
AGO = re.compile(r"(\d+) (days|minutes) ago")


@dataclass(frozen=True)
class Case:
    name: str
    event: str
    owners: str
    clicks: str
    given: str
    outcome: str


def table() -> list[Case]:
    lines = PAGE.read_text().splitlines()
    begin = lines.index(f"| {' | '.join(COLUMNS)} |")
    rows = []
    for line in lines[begin + 2 :]:
        if not line.startswith("|"):
            break
        rows.append(Case(*(cell.strip() for cell in line.strip("|").split("|"))))
    return rows


def party(letter: str) -> ContactRef:
    assert re.fullmatch(r"[A-Z]", letter), letter
    return ContactRef(ord(letter), is_anonymous=letter >= "X")


def ago(text: str) -> timedelta:
    number, unit = AGO.fullmatch(text).groups()  # type: ignore[union-attr]
    return timedelta(**{unit: int(number)})


def owner(text: str) -> BrowserOwner:
    letter, _, rest = text.partition(" (")
    found = BrowserOwner(party(letter), NOW)
    for fact in filter(None, rest.rstrip(")").split(", ")):
        found = with_fact(found, fact)
    return found


def with_fact(found: BrowserOwner, fact: str) -> BrowserOwner:
    if AGO.fullmatch(fact):
        return replace(found, last_seen_at=NOW - ago(fact))
    if merged := re.fullmatch(r"(\d+) merged", fact):
        return replace(found, merged_today=int(merged[1]))
    named = {
        "2 links": replace(found, links_opened=2),
        "returning": replace(found, is_returning=True),
        "days apart": replace(found, is_days_apart=True),
        "established": replace(
            found, is_returning=True, links_opened=2, is_days_apart=True
        ),
        "chatted": replace(found, links_opened=0, has_chatted=True),
        "chatted too": replace(found, has_chatted=True),
        "other browser": replace(found, is_only_browser=False),
        "other address": replace(found, is_other_address=True),
        "unprocessed": replace(found, is_unprocessed=True),
        "forwarded": replace(found, looks_forwarded=True),
        "confirmed": replace(found, is_confirmed=True),
    }
    return named[fact]


def redemption(text: str) -> Redemption:
    letter, when = text[0], text[2:]
    return Redemption(party(letter).id, NOW - ago(when))


def context(given: str) -> MergeContext:
    if given in {"", "shared browser", "unprocessed click"}:
        return MergeContext(NOW)
    if given.startswith("chatted "):
        return MergeContext(NOW, chatted_at=NOW - ago(given.removeprefix("chatted ")))
    if given.startswith("mode "):
        return MergeContext(NOW, mode=given.removeprefix("mode "))
    one, other = re.fullmatch(r"(\w) and (\w) separate", given).groups()  # type: ignore[union-attr]
    pair = frozenset({party(one).id, party(other).id})
    return MergeContext(NOW, separate_pairs=frozenset({pair}))


def decide(case: Case) -> Decision:
    owners = [owner(text) for text in re.findall(r"\w(?: \([^)]*\))?", case.owners)]
    browser = Browser(
        owners,
        is_shared=case.given == "shared browser",
        has_separated=case.given.endswith(" separate"),
        has_unprocessed="unprocessed" in case.owners + case.given,
        redemptions=[redemption(t) for t in case.clicks.split(", ") if t],
    )
    given = context(case.given)
    if chat := re.fullmatch(r"chat of (\w)", case.event):
        return rules.decide_chat(party(chat[1]), browser if owners else None, given)
    opened = re.fullmatch(r"(\w) opens", case.event)
    assert opened, case.event
    return rules.decide_open(party(opened[1]), browser, given)


def outcome(decision: Decision) -> str:
    """Return the decision in the words of the table."""
    if decision.merge is not None:
        assert not decision.suggestions
        loser, survivor = decision.merge.loser, decision.merge.survivor
        return f"merge {chr(loser.id)} into {chr(survivor.id)}"
    if decision.suggestions:
        return ", ".join(
            f"suggest {chr(s.one.id)} + {chr(s.other.id)} ({s.rule})"
            for s in decision.suggestions
        )
    assert decision.reason
    return "nothing; marked as shared" if decision.marks_shared else "nothing"


@pytest.mark.parametrize("case", table(), ids=lambda case: case.name)
def test_rules_decide_as_documented(case: Case) -> None:
    assert outcome(decide(case)) == case.outcome


def test_each_rule_has_cases() -> None:
    names = " ".join(case.name for case in table())

    for number in range(15):
        assert f"R{number} " in names
