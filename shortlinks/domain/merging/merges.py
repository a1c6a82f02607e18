"""Merging two contacts, and undoing it: one pointer moves, and nothing else (ADR 18).

Links, notes, chats and pixels stay with the contact they were made for and are read
through the one that it was merged into. All merges of an account take turns.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shortlinks.domain.contacts import tracking_consent
from shortlinks.domain.merging import merge_notes
from shortlinks.domain.webhooks import events
from shortlinks.models import (
    Account,
    Contact,
    Merge,
    MergeChange,
    MergeRule,
    MergeSuggestion,
    SeparatePair,
    SuggestionState,
    TrackingConsent,
    User,
    WebhookEvent,
)
from shortlinks.models.contacts import ROOT

COPIED_FIELDS = ("name", "first_name", "last_name")
TRACKED_FIELDS = ("merged_into", "is_anonymous", "tracking_consent", *COPIED_FIELDS)
CONSENT = "tracking_consent"
# Of two words the more careful one holds for both.
STRICTEST_CONSENT_FIRST = (
    TrackingConsent.DENIED,
    TrackingConsent.GRANTED,
    TrackingConsent.UNKNOWN,
)
POINTER = "merged_into_id"


@dataclass(frozen=True, slots=True)
class MergeCause:
    """Why two contacts merge; `event` names what set it off, which is followed once."""

    rule: MergeRule
    event: str
    evidence: dict[str, Any] = field(default_factory=dict)
    by: User | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One column of a contact that is to be written."""

    row: Contact
    column: str
    after: Any


def lock_account(account_id: int) -> Account:
    """Until the end of the transaction nobody else merges in this account."""
    return Account.objects.select_for_update(no_key=True).get(pk=account_id)


def merge(
    account: Account, survivor: int, loser: int, reason: MergeCause
) -> Merge | None:
    """Make the two one; None if they are already, or the event was followed, or if it
    is not for a rule to do.

    Within a transaction that has taken its turn. Acts on the roots of both.
    """
    key = hashlib.sha256(reason.event.encode()).digest()
    if Merge.objects.filter(account=account, key=key).exists():
        return None
    rows = _locked([survivor, loser])
    into, gone = rows[survivor].root_id, rows[loser].root_id
    if into == gone or not _check_mergeable(rows[into], rows[gone], reason):
        return None
    merge = Merge.objects.create(
        account=account,
        rule=reason.rule,
        survivor_id=into,
        loser_id=gone,
        evidence=reason.evidence,
        key=key,
        created_by=reason.by,
    )
    of_both = list(rows.values())
    _write(merge, [*_pointers(rows, into, gone), *_fields(rows[into], rows[gone])])
    _write(merge, _consents(of_both))
    MergeSuggestion.objects.filter(
        one__in=of_both, other__in=of_both, state=SuggestionState.OPEN
    ).update(
        state=SuggestionState.ACCEPTED,
        merge=merge,
        decided_by=reason.by,
        decided_at=merge.created_at,
    )
    SeparatePair.objects.filter(one__in=of_both, other__in=of_both).delete()
    merge_notes.note_merge(account, merge, rows[into], rows[gone])
    events.enqueue(WebhookEvent.MERGE_CONTACT, [merge.pk])
    return merge


def _check_mergeable(survivor: Contact, loser: Contact, reason: MergeCause) -> bool:
    """Whatever was decided: two known contacts are a person's to merge (pixel R4)."""
    is_safe = loser.is_anonymous and not survivor.is_anonymous
    return reason.by is not None or is_safe


def mark_separate(account_id: int, one: int, other: int, *, by: User | None) -> None:
    """No rule merges these two from now on (pixel R12)."""
    first, second = sorted((one, other))
    SeparatePair.objects.get_or_create(
        one_id=first,
        other_id=second,
        defaults={"account_id": account_id, "created_by": by},
    )


def _locked(ids: Sequence[int]) -> dict[int, Contact]:
    """These contacts and all that are one with either, locked in one order."""
    roots = Contact.objects.filter(pk__in=ids).values_list(ROOT)
    rows = Contact.objects.with_root(roots).order_by("pk")
    return {row.pk: row for row in rows.select_for_update(no_key=True)}


def _pointers(rows: Mapping[int, Contact], into: int, gone: int) -> list[Change]:
    moved = [row for row in rows.values() if row.root_id == gone]
    return [Change(row, POINTER, into) for row in moved]


def _fields(survivor: Contact, loser: Contact) -> list[Change]:
    """What the survivor lacks it has from the loser; known is who either is."""
    changes = [
        Change(survivor, column, getattr(loser, column))
        for column in COPIED_FIELDS
        if not getattr(survivor, column) and getattr(loser, column)
    ]
    if survivor.is_anonymous and not loser.is_anonymous:
        changes.append(Change(survivor, "is_anonymous", after=False))
    return changes


def _consents(rows: Sequence[Contact]) -> list[Change]:
    said = {row.tracking_consent for row in rows}
    word = next(word for word in STRICTEST_CONSENT_FIRST if word in said)
    return [Change(row, CONSENT, word) for row in rows if row.tracking_consent != word]


def _write(merge: Merge, changes: Sequence[Change]) -> None:
    MergeChange.objects.bulk_create(
        MergeChange(
            merge=merge,
            contact=change.row,
            column=change.column,
            before=getattr(change.row, change.column),
            after=change.after,
        )
        for change in changes
    )
    store(changes)


def store(changes: Sequence[Change]) -> None:
    """Write the changes, and let whoever cares for consents know."""
    for change in changes:
        setattr(change.row, change.column, change.after)
    rows = {change.row.pk: change.row for change in changes}
    Contact.objects.bulk_update(rows.values(), TRACKED_FIELDS)
    tracking_consent.apply_change([c.row for c in changes if c.column == CONSENT])
