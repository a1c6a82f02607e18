"""Merge rules: pure decisions about a chat or an open (docs/merge-rules.md).

Rules only merge the anonymous contact of a chat into a known one. Other pairs that may
be one person are suggested to a user.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shortlinks.models import MergeFact, MergeMode, MergeRule

RECENCY_WINDOW = timedelta(days=90)
SESSION_WINDOW = timedelta(minutes=30)
MAX_MERGES_PER_DAY = 5
MAX_SUGGESTIONS = 5
NO_KNOWN_CONTACT = "no link of a known contact was opened in this browser"
SHARED_BROWSER = "the browser is shared by several contacts"
SHARED_BROWSER_MIN_CONTACTS = 3  # known ones, within RECENCY_WINDOW


@dataclass(frozen=True, slots=True)
class ContactRef:
    """A contact that is not merged into another."""

    id: int
    is_anonymous: bool


@dataclass(frozen=True, slots=True)
class BrowserOwner:
    """A contact of the browser: its links were opened there, or it chatted there.

    The table of facts in docs/merge-rules.md defines most fields. `merged_today`: the
    number of merges into the contact by rules in 24 hours (R8). `is_unprocessed`: only
    a click that is not processed leads to the contact. No rule depends on
    `first_seen_at` and `has_redeemed`, which are shown to users.
    """

    contact: ContactRef
    last_seen_at: datetime
    first_seen_at: datetime | None = None
    has_redeemed: bool = False
    has_chatted: bool = False
    entity_id: int = 0
    links_opened: int = 1
    is_returning: bool = False
    is_days_apart: bool = False
    is_only_browser: bool = True
    is_other_address: bool = False
    looks_forwarded: bool = False
    is_confirmed: bool = False
    is_unprocessed: bool = False
    merged_today: int = 0

    @property
    def is_established(self) -> bool:
        """Return whether somebody has used this contact's links here on several days.

        A reader of the contact's mail can do that, too.
        """
        return self.is_returning and self.is_used_for_days and self.is_only_browser

    @property
    def is_used_for_days(self) -> bool:
        return self.links_opened >= 2 and self.is_days_apart

    @property
    def is_anonymous_chatter(self) -> bool:
        return self.contact.is_anonymous and self.has_chatted

    @property
    def facts(self) -> list[MergeFact]:
        """Return the facts that hold."""
        facts = {
            MergeFact.CONFIRMED: self.is_confirmed,
            MergeFact.RETURNING: self.is_returning,
            MergeFact.DAYS_APART: self.is_used_for_days,
            MergeFact.ONLY_BROWSER: self.is_only_browser,
            MergeFact.REDEEMED: self.has_redeemed,
            MergeFact.CHATTED: self.has_chatted,
            MergeFact.OTHER_ADDRESS: self.is_other_address,
            MergeFact.FORWARDED: self.looks_forwarded,
        }
        return [fact for fact, holds in facts.items() if holds]


@dataclass(frozen=True, slots=True)
class Redemption:
    """A click on the contact's link that a connected site redeemed."""

    contact_id: int
    redeemed_at: datetime


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser with its contacts, and the clicks redeemed in it.

    `has_separated`: a user separated two contacts who chatted or opened links here.
    `has_unprocessed`: clicks here are not processed yet, or may not be.
    """

    owners: Sequence[BrowserOwner]
    is_shared: bool = False
    has_separated: bool = False
    has_unprocessed: bool = False
    redemptions: Sequence[Redemption] = ()


@dataclass(frozen=True, slots=True)
class MergeContext:
    """The account's merge mode and separate pairs (R12).

    `chatted_at`: when the chat was reported last, which may be long ago.
    """

    now: datetime
    mode: str = MergeMode.SUGGEST
    separate_pairs: frozenset[frozenset[int]] = field(default_factory=frozenset)
    chatted_at: datetime | None = None

    def are_separate(self, one: ContactRef, other: ContactRef) -> bool:
        return frozenset({one.id, other.id}) in self.separate_pairs


@dataclass(frozen=True, slots=True)
class AutoMerge:
    """A merge of the anonymous `loser` into the known `survivor`."""

    survivor: ContactRef
    loser: ContactRef
    rule: MergeRule


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A pair of contacts about which a user decides."""

    one: ContactRef
    other: ContactRef
    rule: MergeRule


@dataclass(frozen=True, slots=True)
class Decision:
    """At most one merge, or suggestions, or the `reason` why there is neither."""

    merge: AutoMerge | None = None
    suggestions: tuple[Suggestion, ...] = ()
    reason: str = ""
    marks_shared: bool = False


def no_action(reason: str) -> Decision:
    return Decision(reason=reason)


def decide_chat(
    contact: ContactRef, browser: Browser | None, context: MergeContext
) -> Decision:
    """Decide about a chat of this contact in this browser."""
    if reason := _inconclusive_reason(browser, context):
        return no_action(reason)
    assert browser is not None  # noqa: S101  there was a reason otherwise
    known = _known(browser, exclude=contact)
    if not known:
        return no_action(NO_KNOWN_CONTACT)
    if _becomes_shared(browser, context.now):
        return Decision(reason=SHARED_BROWSER, marks_shared=True)
    return _decide_chat_among(known, contact, browser, context)


def _decide_chat_among(
    known: Sequence[BrowserOwner],
    contact: ContactRef,
    browser: Browser,
    context: MergeContext,
) -> Decision:
    allowed = [o for o in known if not context.are_separate(o.contact, contact)]
    if not allowed:
        return no_action("a user separated these contacts")
    if not contact.is_anonymous:
        return _suggest(contact, allowed, MergeRule.KNOWN_CHAT)
    if len(known) > 1:
        return _decide_among_several(contact, browser, allowed, context)
    return _merge(contact, allowed[0], MergeRule.CHAT, browser, context)


def decide_open(
    opened: ContactRef, browser: Browser, context: MergeContext
) -> Decision:
    """Decide about the first open of this contact's links in this browser.

    An open merges nothing, because a link does not show who opened it. Chats of
    anonymous contacts in this browser are decided as chats.
    """
    if reason := _inconclusive_reason(browser, context):
        return no_action(reason)
    if _becomes_shared(browser, context.now):
        return Decision(reason=SHARED_BROWSER, marks_shared=True)
    if any(o.contact == opened and o.is_anonymous_chatter for o in browser.owners):
        return no_action("the rules of chats decide, because the contact chatted here")
    others = [o for o in browser.owners if o.contact.id != opened.id]
    others = [o for o in others if not context.are_separate(o.contact, opened)]
    if known := [o for o in others if not o.contact.is_anonymous]:
        return _suggest(opened, known, MergeRule.OPENED)
    anonymous = [o for o in others if not o.is_anonymous_chatter]
    if opened.is_anonymous or not anonymous:
        return no_action("no other contact's link was opened in this browser")
    return _suggest_anonymous(opened, anonymous, MergeRule.OPENED)


def _inconclusive_reason(browser: Browser | None, context: MergeContext) -> str:
    if context.mode == MergeMode.OFF:
        return "merging is off"
    if browser is None:
        return "no link was opened in this browser"
    return SHARED_BROWSER if browser.is_shared else ""


def _decide_among_several(
    contact: ContactRef,
    browser: Browser,
    allowed: Sequence[BrowserOwner],
    context: MergeContext,
) -> Decision:
    """Decide by the redeemed click, if no other contact followed (R6)."""
    by_click = _contact_of_session(browser, context.chatted_at or context.now)
    for owner in allowed:
        if owner.contact.id == by_click:
            return _merge(contact, owner, MergeRule.SEVERAL, browser, context)
    return _suggest(contact, allowed, MergeRule.SEVERAL)


def _contact_of_session(browser: Browser, chatted_at: datetime) -> int | None:
    """Return the contact whose clicks came before the chat, if it is only one."""
    recent = [
        redemption
        for redemption in browser.redemptions
        if timedelta() <= chatted_at - redemption.redeemed_at <= SESSION_WINDOW
    ]
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
    loser: ContactRef,
    owner: BrowserOwner,
    rule: MergeRule,
    browser: Browser,
    context: MergeContext,
) -> Decision:
    """Merge, or suggest the pair if there is a doubt."""
    doubt = _doubt(owner, browser, context)
    if doubt is None and context.now - owner.last_seen_at <= RECENCY_WINDOW:
        return Decision(merge=AutoMerge(owner.contact, loser, rule))
    return _suggest(loser, [owner], doubt or rule)


def _doubt(
    owner: BrowserOwner, browser: Browser, context: MergeContext
) -> MergeRule | None:
    """Return the first rule that leaves the decision to a user."""
    if browser.has_separated:
        return MergeRule.SEPARATED
    if not owner.is_confirmed and (doubt := _doubt_of_evidence(owner, context)):
        return doubt
    if owner.merged_today >= MAX_MERGES_PER_DAY:
        return MergeRule.MANY
    return MergeRule.UNPROCESSED if browser.has_unprocessed else None


def _doubt_of_evidence(owner: BrowserOwner, context: MergeContext) -> MergeRule | None:
    if owner.is_other_address:
        return MergeRule.OTHER_ADDRESS
    if owner.looks_forwarded:
        return MergeRule.FORWARDED
    is_verified = owner.is_established and context.mode == MergeMode.AUTO
    return None if is_verified else MergeRule.NOT_VERIFIED


def _suggest(
    one: ContactRef, owners: Iterable[BrowserOwner], rule: MergeRule
) -> Decision:
    newest = sorted(owners, key=lambda owner: owner.last_seen_at, reverse=True)
    pairs = [Suggestion(owner.contact, one, rule) for owner in newest[:MAX_SUGGESTIONS]]
    return Decision(suggestions=tuple(pairs))


def _suggest_anonymous(
    known: ContactRef, owners: Iterable[BrowserOwner], rule: MergeRule
) -> Decision:
    pairs = _suggest(known, owners, rule).suggestions
    return Decision(suggestions=tuple(Suggestion(known, p.one, rule) for p in pairs))


def _known(browser: Browser, *, exclude: ContactRef) -> list[BrowserOwner]:
    return [
        owner
        for owner in browser.owners
        if not owner.contact.is_anonymous and owner.contact.id != exclude.id
    ]


def _becomes_shared(browser: Browser, now: datetime) -> bool:
    recent = [
        owner
        for owner in browser.owners
        if not owner.contact.is_anonymous
        and not owner.is_unprocessed  # it may be a scanner's, and the mark remains
        and now - owner.last_seen_at <= RECENCY_WINDOW
    ]
    return len(recent) >= SHARED_BROWSER_MIN_CONTACTS
