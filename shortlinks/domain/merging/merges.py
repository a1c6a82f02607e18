"""Merging of two contacts by one pointer (docs/adr/0018).

Links, notes, chats and pixels stay where they are and are read through the pointer. An
account's merges run one after the other. A merge can be undone at any time: later
merges are applied again, as if it had never happened (docs/adr/0042).
"""

import hashlib
import itertools
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils import timezone

from shortlinks.domain.contacts import contacts, tracking_consent
from shortlinks.domain.contacts.contacts import EditForbidden
from shortlinks.domain.merging import merge_notes
from shortlinks.domain.webhooks import events
from shortlinks.models import (
    Account,
    ConsentChannel,
    Contact,
    Merge,
    MergeChange,
    MergeRule,
    MergeState,
    MergeSuggestion,
    SeparatePair,
    SuggestionState,
    TrackingConsent,
    User,
    WebhookEvent,
)
from shortlinks.models.contacts import ROOT

COPIED_FIELDS = ("name", "first_name", "last_name")
POINTER = "merged_into_id"
CONSENT = "tracking_consent"
TRACKED_FIELDS = (POINTER, "is_anonymous", CONSENT, *COPIED_FIELDS)
# The first of these among the merged contacts holds for all of them.
STRICTEST_CONSENT_FIRST = (
    TrackingConsent.DENIED,
    TrackingConsent.GRANTED,
    TrackingConsent.UNKNOWN,
)

# A contact's pk and a column.
Cell = tuple[int, str]


@dataclass(frozen=True, slots=True)
class MergeCause:
    """The cause of a merge; each `event` causes one merge at most.

    The user `by` needs the right to edit, unless their token reports for all contacts.
    """

    rule: MergeRule
    event: str
    evidence: dict[str, Any] = field(default_factory=dict)
    by: User | None = None
    is_channel: bool = False

    def permits(self, survivor: Contact, loser: Contact) -> bool:
        if self.by is None or self.is_channel:
            return True
        return may_decide((survivor, loser), self.by)

    @property
    def key(self) -> bytes:
        return key_of(self.event)


@dataclass(frozen=True, slots=True)
class AccountLock:
    """Proof that this transaction may merge in `account`; see `lock_account`."""

    account: Account


def lock_account(account_id: int) -> AccountLock:
    """Exclude all other merges in this account until the transaction ends."""
    accounts = Account.objects.select_for_update(no_key=True)
    return AccountLock(accounts.get(pk=account_id))


def merge(
    lock: AccountLock, survivor: int, loser: int, cause: MergeCause
) -> Merge | None:
    """Merge the roots of the two contacts.

    Returns None if they are one already, if the event has caused a merge before, if
    one is deleted, or if only a user may merge them. Raises EditForbidden if the user
    may not.
    """
    if Merge.objects.filter(account=lock.account, key=cause.key).exists():
        return None
    locked = LockedContacts([survivor, loser])
    into, merged = locked.root(survivor), locked.root(loser)
    if into == merged or not _is_allowed(into, merged, cause):
        return None
    if into.is_deleted or merged.is_deleted:  # deleted while this waited for the lock
        return None
    if not cause.permits(into, merged):
        raise EditForbidden
    merge = _create(lock, into, merged, cause)
    identified = locked.identified_by(merge)
    locked.join(merge)
    locked.save(ConsentChannel.MERGE, by=cause.by)
    merge_notes.note_merge(lock.account, merge, into)
    events.enqueue(WebhookEvent.MERGE_CONTACT, [merge.pk])
    between = Q(one__in=locked.rows, other__in=locked.rows)
    _close_suggestions(between, SuggestionState.ACCEPTED, merge)
    others = Q(one__in=identified) | Q(other__in=identified)
    _close_suggestions(others, SuggestionState.CLOSED, merge)
    return merge


def may_decide(pair: tuple[Contact, Contact], user: User) -> bool:
    """Return whether the user may edit both contacts, or the only known one.

    Nobody is responsible for an anonymous contact.
    """
    known = [contact for contact in pair if not contact.is_anonymous]
    return all(contacts.may_edit(contact, user) for contact in known or pair)


def was_undone(lock: AccountLock, event: str) -> bool:
    """Return whether a user undid the merge that the event has caused."""
    undone = Merge.objects.filter(account=lock.account, state=MergeState.UNDONE)
    return undone.filter(key=key_of(event)).exists()


def key_of(event: str) -> bytes:
    return hashlib.sha256(event.encode()).digest()


def restore_contacts(merge: Merge, *, by: User | None) -> list[MergeChange]:
    """Restore the contacts as if `merge`, which is applied, had never happened.

    Return its changes that are kept, because a user edited the column since.
    """
    locked = LockedContacts([merge.loser_id])
    applied = Merge.objects.filter(loser__in=locked.rows, state=MergeState.APPLIED)
    ordered = list(applied.order_by("pk").prefetch_related("items"))
    earlier = [each for each in ordered if each.pk < merge.pk]
    later = [each for each in ordered if each.pk > merge.pk]
    [removed] = [each for each in ordered if each.pk == merge.pk]
    for each in [*reversed(later), removed]:
        locked.revert(each)
    locked.point_to_survivors(earlier)
    MergeChange.objects.filter(merge__in=later).delete()
    for each in later:
        locked.join(each)
    locked.save(ConsentChannel.UNDO, by=by)
    return [i for i in removed.items.all() if (i.contact_id, i.column) in locked.kept]


def mark_separate(
    lock: AccountLock, ones: Iterable[int], others: Iterable[int], *, by: User
) -> None:
    """Keep rules from merging each of `ones` with each of `others` (rule R12)."""
    pairs = {tuple(sorted(pair)) for pair in itertools.product(set(ones), set(others))}
    SeparatePair.objects.bulk_create(
        [
            SeparatePair(
                account=lock.account, one_id=one, other_id=other, created_by=by
            )
            for one, other in sorted(pairs)
            if one != other
        ],
        ignore_conflicts=True,
    )


class LockedContacts:
    """Contacts and all that are merged with them, locked and changed in memory.

    `kept` are the cells that a user edited after a merge had changed them, and when.
    Merges before the edit do not change them again.
    """

    def __init__(self, ids: Collection[int]) -> None:
        """Lock the rows, in one order."""
        roots = Contact.objects.filter(pk__in=ids).values_list(ROOT)
        rows = Contact.objects.with_root(roots).order_by("pk")
        # Workers need not wait, unless the merge carries a refusal over.
        self.rows = {row.pk: row for row in rows.select_for_update(no_key=True)}
        self.kept: dict[Cell, datetime] = {}
        self._stored = {
            (row.pk, column): getattr(row, column)
            for row in self.rows.values()
            for column in TRACKED_FIELDS
        }
        self._changes: list[MergeChange] = []

    def root(self, pk: int) -> Contact:
        return self.rows[self.rows[pk].root_id]

    def identified_by(self, merge: Merge) -> set[int]:
        """Return the anonymous contacts that the merge identifies as a known one."""
        survivor, loser = self.rows[merge.survivor_id], self.rows[merge.loser_id]
        if survivor.is_anonymous == loser.is_anonymous:
            return set()
        anonymous = loser if loser.is_anonymous else survivor
        return {pk for pk, row in self.rows.items() if row.root_id == anonymous.pk}

    def join(self, merge: Merge) -> None:
        """Let the loser and all that are merged into it point to the survivor."""
        survivor, loser = self.rows[merge.survivor_id], self.rows[merge.loser_id]
        both = {survivor.pk, loser.pk}
        members = [row for row in self.rows.values() if row.root_id in both]
        for row, column, value in [*_fields(survivor, loser), *_consents(members)]:
            self._change(merge, row, column, value)
        for row in members:
            if row != survivor:
                row.merged_into_id = survivor.pk

    def revert(self, merge: Merge) -> None:
        """Restore the columns that the merge changed, except those edited since."""
        for item in merge.items.all():
            row, cell = self.rows[item.contact_id], (item.contact_id, item.column)
            differs = getattr(row, item.column) != item.after
            if (differs or item.edited_at) and cell not in self.kept:
                self.kept[cell] = item.edited_at or timezone.now()
            if cell not in self.kept:
                setattr(row, item.column, item.before)

    def point_to_survivors(self, applied: Iterable[Merge]) -> None:
        """Let each contact point to its survivor after these merges, in their order."""
        for row in self.rows.values():
            row.merged_into_id = None
        for merge in applied:
            for row in self.rows.values():
                if row.root_id == merge.loser_id:
                    row.merged_into_id = merge.survivor_id

    def save(self, channel: ConsentChannel, *, by: User | None) -> None:
        """Store what has changed, and record changes of the tracking consent."""
        changed = {
            cell
            for cell, value in self._stored.items()
            if getattr(self.rows[cell[0]], cell[1]) != value
        }
        rows = [self.rows[pk] for pk in sorted({pk for pk, _ in changed})]
        Contact.objects.bulk_update(rows, TRACKED_FIELDS)
        MergeChange.objects.bulk_create(self._changes)
        consents = [row for row in rows if (row.pk, CONSENT) in changed]
        tracking_consent.carry_over(consents, channel, by=by)

    def _change(self, merge: Merge, row: Contact, column: str, value: Any) -> None:
        edited_at = self.kept.get((row.pk, column))
        if edited_at is None or edited_at < merge.created_at:
            before = getattr(row, column)
            self._changes.append(
                MergeChange(
                    merge=merge, contact=row, column=column, before=before, after=value
                )
            )
            setattr(row, column, value)


def _is_allowed(survivor: Contact, loser: Contact, cause: MergeCause) -> bool:
    """Return whether a user merges, or a rule merges an anonymous into a known one."""
    is_safe = loser.is_anonymous and not survivor.is_anonymous
    return cause.by is not None or is_safe


def _create(
    lock: AccountLock, survivor: Contact, loser: Contact, cause: MergeCause
) -> Merge:
    return Merge.objects.create(
        account=lock.account,
        rule=cause.rule,
        survivor=survivor,
        loser=loser,
        evidence=cause.evidence,
        key=cause.key,
        created_by=cause.by,
    )


def _close_suggestions(matching: Q, state: SuggestionState, merge: Merge) -> None:
    """Close open suggestions that the merge has decided; separate pairs remain."""
    rows = MergeSuggestion.objects.filter(matching, state=SuggestionState.OPEN)
    if not (ids := list(rows.order_by("pk").values_list("pk", flat=True))):
        return
    MergeSuggestion.objects.filter(pk__in=ids).update(
        state=state,
        merge=merge,
        decided_by=merge.created_by,
        decided_at=merge.created_at,
    )
    events.enqueue(WebhookEvent.CLOSE_SUGGESTION, ids)


Value = tuple[Contact, str, Any]  # a new value for one column


def _fields(survivor: Contact, loser: Contact) -> list[Value]:
    """Return values for the survivor's empty fields; it is known if one of them is."""
    values: list[Value] = [
        (survivor, column, getattr(loser, column))
        for column in COPIED_FIELDS
        if not getattr(survivor, column) and getattr(loser, column)
    ]
    if survivor.is_anonymous and not loser.is_anonymous:
        values.append((survivor, "is_anonymous", False))
    return values


def _consents(rows: Sequence[Contact]) -> list[Value]:
    consents = {row.tracking_consent for row in rows}
    strictest = next(each for each in STRICTEST_CONSENT_FIRST if each in consents)
    changed = [row for row in rows if row.tracking_consent != strictest]
    return [(row, CONSENT, strictest) for row in changed]
