"""What a chat or an open says of who is who: pure decisions over facts (pixel R3-R8).

Only an anonymous contact ever merges by itself, into one that is known; whatever else
looks like one person becomes a suggestion, and what proves nothing becomes nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shortlinks.models import MergeMode, MergeRule

RECENCY_WINDOW = timedelta(days=90)
SESSION_WINDOW = timedelta(minutes=30)
MAX_MERGES_PER_DAY = 5
MAX_SUGGESTIONS = 5
SHARED_BROWSER_MIN_CONTACTS = (
    3  # known contacts of one browser within FRESH: nobody's own
)


@dataclass(frozen=True, slots=True)
class ContactRef:
    """A contact as the rules see it: the root of what is merged."""

    id: int
    is_anonymous: bool


@dataclass(frozen=True, slots=True)
class BrowserOwner:
    """A contact that the browser is attached to.

    `looks_forwarded`: others had opened these links before, or the contact has too
    many browsers (R7). `merged_today`: how many anonymous contacts it took in (R8).
    """

    contact: ContactRef
    last_seen_at: datetime
    links_opened: int = 1
    is_only_browser: bool = True
    looks_forwarded: bool = False
    is_confirmed: bool = False
    merged_today: int = 0

    @property
    def is_trusted(self) -> bool:
        """Not that of a friend who got the link passed on."""
        if self.is_confirmed:
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

    owners: Sequence[BrowserOwner]
    is_quarantined: bool = False
    redemptions: Sequence[Redemption] = ()


@dataclass(frozen=True, slots=True)
class MergeContext:
    """What holds for the account: its mode, and who must stay apart (R12)."""

    now: datetime
    mode: str = MergeMode.AUTO
    separate_pairs: frozenset[frozenset[int]] = field(default_factory=frozenset)

    def are_separate(self, one: ContactRef, other: ContactRef) -> bool:
        return frozenset({one.id, other.id}) in self.separate_pairs


@dataclass(frozen=True, slots=True)
class AutoMerge:
    """Merge the anonymous `loser` into the known `survivor` now."""

    survivor: ContactRef
    loser: ContactRef
    rule: MergeRule


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Ask a person whether these are one."""

    one: ContactRef
    other: ContactRef
    rule: MergeRule


@dataclass(frozen=True, slots=True)
class Decision:
    """At most one merge, or suggestions; `reason` says why there is nothing."""

    join: AutoMerge | None = None
    suggestions: tuple[Suggestion, ...] = ()
    reason: str = ""
    quarantines: bool = False


def no_action(reason: str) -> Decision:
    return Decision(reason=reason)


def decide_chat(
    whose: ContactRef, browser: Browser | None, around: MergeContext
) -> Decision:
    """What it says that this browser drives a chat of this contact."""
    if fault := _is_inconclusive(browser, around):
        return no_action(fault)
    assert browser is not None  # noqa: S101  it would say nothing
    known = _known(browser, but=whose)
    allowed = [o for o in known if not around.are_separate(o.contact, whose)]
    if not known:
        return no_action("nobody known opened a link in this browser")
    if not allowed:
        return no_action("a person said that they are two")
    if not whose.is_anonymous:
        return _suggest(whose, allowed, MergeRule.KNOWN_CHAT)
    if len(known) > 1:
        return _decide_shared(whose, browser, allowed, around)
    return _merge(whose, allowed[0], MergeRule.CHAT, around)


def decide_open(opened: ContactRef, browser: Browser, around: MergeContext) -> Decision:
    """What it says that this browser has opened its first link of this contact."""
    if fault := _is_inconclusive(browser, around):
        return no_action(fault)
    if _is_public(browser, around.now):
        return Decision(reason="a browser of many", quarantines=True)
    others = [o for o in browser.owners if o.contact.id != opened.id]
    others = [o for o in others if not around.are_separate(o.contact, opened)]
    known = [o for o in others if not o.contact.is_anonymous]
    if opened.is_anonymous:
        return _decide_anonymous(opened, known, around)
    anonymous = [o for o in others if o.contact.is_anonymous]
    [mine] = [o for o in browser.owners if o.contact.id == opened.id]
    if known:
        return _suggest(opened, known, MergeRule.OPENED)
    if anonymous:
        newest = max(anonymous, key=lambda owner: owner.last_seen_at)
        return _merge(newest.contact, mine, MergeRule.OPENED, around)
    return no_action("no other contact's link was opened in this browser")


def _is_inconclusive(browser: Browser | None, around: MergeContext) -> str:
    if around.mode == MergeMode.OFF:
        return "merging is off"
    if browser is None:
        return "nobody has opened a link in this browser"
    return "a browser of many" if browser.is_quarantined else ""


def _decide_anonymous(
    opened: ContactRef, known: Sequence[BrowserOwner], around: MergeContext
) -> Decision:
    if len(known) == 1:
        return _merge(opened, known[0], MergeRule.OPENED, around)
    if known:
        return _suggest(opened, known, MergeRule.SHARED)
    return no_action("nobody known opened a link in this browser")


def _decide_shared(
    whose: ContactRef,
    browser: Browser,
    allowed: Sequence[BrowserOwner],
    around: MergeContext,
) -> Decision:
    """R6: whose click the page came by, if no other contact's followed."""
    by_click = _decide_session(browser, around.now)
    for owner in allowed:
        if owner.contact.id == by_click:
            return _merge(whose, owner, MergeRule.SHARED, around)
    return _suggest(whose, allowed, MergeRule.SHARED)


def _decide_session(browser: Browser, now: datetime) -> int | None:
    recent = [r for r in browser.redemptions if now - r.redeemed_at <= SESSION_WINDOW]
    if len({r.contact_id for r in recent}) != 1:
        return None
    last = max(recent, key=lambda redemption: redemption.redeemed_at)
    followed = any(
        owner.last_seen_at > last.redeemed_at
        for owner in browser.owners
        if owner.contact.id != last.contact_id
    )
    return None if followed else last.contact_id


def _merge(
    loser: ContactRef, owner: BrowserOwner, rule: MergeRule, around: MergeContext
) -> Decision:
    """The one automatic merge there is, unless something speaks against it."""
    doubt = _suggest_instead(owner, rule, around)
    if doubt is not None:
        return _suggest(loser, [owner], doubt)
    return Decision(join=AutoMerge(owner.contact, loser, rule))


def _suggest_instead(
    owner: BrowserOwner, rule: MergeRule, around: MergeContext
) -> MergeRule | None:
    if not owner.is_trusted:
        return MergeRule.FORWARDED
    if owner.merged_today >= MAX_MERGES_PER_DAY:
        return MergeRule.MANY
    was_used_recently = around.now - owner.last_seen_at <= RECENCY_WINDOW
    return None if was_used_recently and around.mode == MergeMode.AUTO else rule


def _suggest(
    one: ContactRef, owners: Iterable[BrowserOwner], rule: MergeRule
) -> Decision:
    newest = sorted(owners, key=lambda owner: owner.last_seen_at, reverse=True)
    pairs = [Suggestion(owner.contact, one, rule) for owner in newest[:MAX_SUGGESTIONS]]
    return Decision(suggestions=tuple(pairs))


def _known(browser: Browser, *, but: ContactRef) -> list[BrowserOwner]:
    return [
        owner
        for owner in browser.owners
        if not owner.contact.is_anonymous and owner.contact.id != but.id
    ]


def _is_public(browser: Browser, now: datetime) -> bool:
    recent = [
        owner
        for owner in browser.owners
        if not owner.contact.is_anonymous and now - owner.last_seen_at <= RECENCY_WINDOW
    ]
    return len(recent) >= SHARED_BROWSER_MIN_CONTACTS
