"""What a chat or an open says of who is who: pure decisions over facts (pixel R3-R8).

Only an anonymous contact ever merges by itself, into one that is known; whatever else
looks like one person becomes a suggestion, and what proves nothing becomes nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shortlinks.models import MergeMode, MergeRule

FRESH = timedelta(days=90)
SESSION = timedelta(minutes=30)
MOST_MERGES_A_DAY = 5
MOST_SUGGESTED = 5
PUBLIC = 3  # known contacts of one browser within FRESH: nobody's own


@dataclass(frozen=True, slots=True)
class Party:
    """A contact as the rules see it: the root of what is merged."""

    id: int
    is_anonymous: bool


@dataclass(frozen=True, slots=True)
class Owner:
    """A contact that the browser is attached to.

    `looks_forwarded`: others had opened these links before, or the contact has too
    many browsers (R7). `merged_today`: how many anonymous contacts it took in (R8).
    """

    party: Party
    last_seen_at: datetime
    links_opened: int = 1
    is_only_browser: bool = True
    looks_forwarded: bool = False
    is_vouched: bool = False
    merged_today: int = 0

    @property
    def is_the_clients(self) -> bool:
        """Not that of a friend who got the link passed on."""
        if self.is_vouched:
            return True
        is_regular = self.is_only_browser or self.links_opened >= 2
        return is_regular and not self.looks_forwarded


@dataclass(frozen=True, slots=True)
class Redemption:
    """That the page of a chat's session took over a click on the contact's link."""

    contact_id: int
    redeemed_at: datetime


@dataclass(frozen=True, slots=True)
class Browser:
    """A pixel, who opened links with it, and what the site's page has redeemed."""

    owners: Sequence[Owner]
    is_quarantined: bool = False
    redemptions: Sequence[Redemption] = ()


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What holds for the account: its mode, and who must stay apart (R12)."""

    now: datetime
    mode: str = MergeMode.AUTO
    apart: frozenset[frozenset[int]] = field(default_factory=frozenset)

    def are_apart(self, one: Party, other: Party) -> bool:
        return frozenset({one.id, other.id}) in self.apart


@dataclass(frozen=True, slots=True)
class Join:
    """Merge the anonymous `loser` into the known `survivor` now."""

    survivor: Party
    loser: Party
    rule: MergeRule


@dataclass(frozen=True, slots=True)
class Suggest:
    """Ask a person whether these are one."""

    one: Party
    other: Party
    rule: MergeRule


@dataclass(frozen=True, slots=True)
class Decision:
    """At most one merge, or suggestions; `reason` says why there is nothing."""

    join: Join | None = None
    suggestions: tuple[Suggest, ...] = ()
    reason: str = ""
    quarantines: bool = False


def nothing(reason: str) -> Decision:
    return Decision(reason=reason)


def of_chat(whose: Party, browser: Browser | None, around: Circumstances) -> Decision:
    """What it says that this browser drives a chat of this contact."""
    if fault := _says_nothing(browser, around):
        return nothing(fault)
    assert browser is not None  # noqa: S101  it would say nothing
    known = _known(browser, but=whose)
    allowed = [o for o in known if not around.are_apart(o.party, whose)]
    if not known:
        return nothing("nobody known opened a link in this browser")
    if not allowed:
        return nothing("a person said that they are two")
    if not whose.is_anonymous:
        return _suggest(whose, allowed, MergeRule.KNOWN_CHAT)
    if len(known) > 1:
        return _of_shared(whose, browser, allowed, around)
    return _join(whose, allowed[0], MergeRule.CHAT, around)


def of_open(opened: Party, browser: Browser, around: Circumstances) -> Decision:
    """What it says that this browser has opened its first link of this contact."""
    if fault := _says_nothing(browser, around):
        return nothing(fault)
    if _is_public(browser, around.now):
        return Decision(reason="a browser of many", quarantines=True)
    others = [o for o in browser.owners if o.party.id != opened.id]
    others = [o for o in others if not around.are_apart(o.party, opened)]
    known = [o for o in others if not o.party.is_anonymous]
    if opened.is_anonymous:
        return _of_anonymous(opened, known, around)
    anonymous = [o for o in others if o.party.is_anonymous]
    [mine] = [o for o in browser.owners if o.party.id == opened.id]
    if known:
        return _suggest(opened, known, MergeRule.OPENED)
    if anonymous:
        newest = max(anonymous, key=lambda owner: owner.last_seen_at)
        return _join(newest.party, mine, MergeRule.OPENED, around)
    return nothing("no other contact's link was opened in this browser")


def _says_nothing(browser: Browser | None, around: Circumstances) -> str:
    if around.mode == MergeMode.OFF:
        return "merging is off"
    if browser is None:
        return "nobody has opened a link in this browser"
    return "a browser of many" if browser.is_quarantined else ""


def _of_anonymous(
    opened: Party, known: Sequence[Owner], around: Circumstances
) -> Decision:
    if len(known) == 1:
        return _join(opened, known[0], MergeRule.OPENED, around)
    if known:
        return _suggest(opened, known, MergeRule.SHARED)
    return nothing("nobody known opened a link in this browser")


def _of_shared(
    whose: Party, browser: Browser, allowed: Sequence[Owner], around: Circumstances
) -> Decision:
    """R6: whose click the page came by, if no other contact's followed."""
    by_click = _of_session(browser, around.now)
    for owner in allowed:
        if owner.party.id == by_click:
            return _join(whose, owner, MergeRule.SHARED, around)
    return _suggest(whose, allowed, MergeRule.SHARED)


def _of_session(browser: Browser, now: datetime) -> int | None:
    recent = [r for r in browser.redemptions if now - r.redeemed_at <= SESSION]
    if len({r.contact_id for r in recent}) != 1:
        return None
    last = max(recent, key=lambda redemption: redemption.redeemed_at)
    followed = any(
        owner.last_seen_at > last.redeemed_at
        for owner in browser.owners
        if owner.party.id != last.contact_id
    )
    return None if followed else last.contact_id


def _join(
    loser: Party, owner: Owner, rule: MergeRule, around: Circumstances
) -> Decision:
    """The one automatic merge there is, unless something speaks against it."""
    doubt = _doubt(owner, rule, around)
    if doubt is not None:
        return _suggest(loser, [owner], doubt)
    return Decision(join=Join(owner.party, loser, rule))


def _doubt(owner: Owner, rule: MergeRule, around: Circumstances) -> MergeRule | None:
    if not owner.is_the_clients:
        return MergeRule.FORWARDED
    if owner.merged_today >= MOST_MERGES_A_DAY:
        return MergeRule.MANY
    is_fresh = around.now - owner.last_seen_at <= FRESH
    return None if is_fresh and around.mode == MergeMode.AUTO else rule


def _suggest(one: Party, owners: Iterable[Owner], rule: MergeRule) -> Decision:
    newest = sorted(owners, key=lambda owner: owner.last_seen_at, reverse=True)
    pairs = [Suggest(owner.party, one, rule) for owner in newest[:MOST_SUGGESTED]]
    return Decision(suggestions=tuple(pairs))


def _known(browser: Browser, *, but: Party) -> list[Owner]:
    return [
        owner
        for owner in browser.owners
        if not owner.party.is_anonymous and owner.party.id != but.id
    ]


def _is_public(browser: Browser, now: datetime) -> bool:
    recent = [
        owner
        for owner in browser.owners
        if not owner.party.is_anonymous and now - owner.last_seen_at <= FRESH
    ]
    return len(recent) >= PUBLIC
