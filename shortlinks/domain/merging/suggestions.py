"""Suggested merges, which a user accepts or rejects."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from shortlinks.domain.merging import evidence, merges
from shortlinks.domain.merging.merges import AccountLock, MergeCause
from shortlinks.domain.merging.rules import Suggestion
from shortlinks.domain.pixels import attachments
from shortlinks.domain.webhooks import events
from shortlinks.models import (
    Contact,
    Merge,
    MergeRule,
    MergeSuggestion,
    SuggestionState,
    User,
    WebhookEvent,
)

# Keys of the evidence: browser and contact, and the facts about them.
SUBJECT_KEYS = ("pixel_id", "entity_id")
FACT_KEYS = ("facts", "first_seen_at", "last_seen_at")


class AlreadyDecided(Exception):
    """Another user has accepted or rejected the suggestion."""


def suggest(lock: AccountLock, pair: Suggestion, new_evidence: dict[str, Any]) -> None:
    """Create the suggestion, or update the facts of the open one of this pair."""
    one, other = sorted((pair.one.id, pair.other.id))
    if earlier := _open_between(one, other).first():
        _update_facts(earlier, new_evidence)
        return
    row = MergeSuggestion.objects.create(
        account=lock.account,
        one_id=one,
        other_id=other,
        rule=pair.rule,
        evidence=new_evidence,
    )
    events.enqueue(WebhookEvent.SUGGEST_MERGE, [row.pk])


def _update_facts(row: MergeSuggestion, current: Mapping[str, Any]) -> None:
    """Store what is known now about the same contact in the same browser."""
    is_same = all(row.evidence.get(key) == current.get(key) for key in SUBJECT_KEYS)
    facts = {key: current[key] for key in FACT_KEYS if key in current}
    if is_same and facts:
        row.evidence = row.evidence | facts
        row.save(update_fields=["evidence"])


def may_decide(suggestion: MergeSuggestion, user: User) -> bool:
    """Return whether the user may edit both contacts, or the only known one."""
    return merges.may_decide((suggestion.one.root, suggestion.other.root), user)


def accept(
    suggestion: MergeSuggestion, *, by: User, survivor: int | None = None
) -> Merge | None:
    """Merge the two contacts, into `survivor` if given. Raises AlreadyDecided.

    Confirms the browser in which they met, so that later chats there need no user.
    Returns None if they were merged meanwhile. Raises EditForbidden.
    """
    with transaction.atomic():
        lock = merges.lock_account(suggestion.account_id)
        row = _still_open(suggestion)
        into, loser = choose_survivor(row.one.root, row.other.root, survivor)
        cause = MergeCause(
            MergeRule(row.rule), f"suggestion {row.pk}", dict(row.evidence), by
        )
        merge = merges.merge(lock, into.pk, loser.pk, cause)
        if merge is None:  # otherwise the merge has closed it
            _close(row, SuggestionState.ACCEPTED, by=by)
        _confirm_browser(row, into)
    return merge


def _confirm_browser(row: MergeSuggestion, survivor: Contact) -> None:
    """Confirm the browser as the survivor's; later chats there merge by themselves."""
    if pixel_id := row.evidence.get("pixel_id"):
        survivor.refresh_from_db()  # the merge may have changed its consent
        attachments.confirm(pixel_id, survivor)


def reject(suggestion: MergeSuggestion, *, by: User) -> None:
    """Mark the two as separate, and reject all suggestions of this pair.

    Raises AlreadyDecided.
    """
    with transaction.atomic():
        lock = merges.lock_account(suggestion.account_id)
        row = _still_open(suggestion)
        same = _open_between(row.one.root_id, row.other.root_id)
        for each in [row, *_with_contacts(same.exclude(pk=row.pk))]:
            _separate(lock, each, by)
            _close(each, SuggestionState.REJECTED, by=by)


def withdraw(suggestion: MergeSuggestion) -> None:
    """Close an open suggestion that has lost its evidence."""
    _close(suggestion, SuggestionState.CLOSED)
    evidence.examine_again(suggestion.evidence)


def _separate(lock: AccountLock, row: MergeSuggestion, by: User) -> None:
    """Separate the suggested contacts, and those into which they were merged."""
    if row.one.root_id != row.other.root_id:
        ones, others = (
            {contact.pk, contact.root_id} for contact in (row.one, row.other)
        )
        merges.mark_separate(lock, ones, others, by=by)


def merge_by_hand(
    account_id: int,
    contacts: tuple[Contact, Contact],
    *,
    by: User,
    into: int | None,
    is_channel: bool = False,
) -> Merge | None:
    """Merge the two, into the contact with the pk `into`; None if they are one.

    A channel needs no right to edit. Raises EditForbidden.
    """
    with transaction.atomic():
        lock = merges.lock_account(account_id)
        survivor, loser = choose_survivor(*contacts, into)
        event = f"by hand {timezone.now().isoformat()}"
        cause = MergeCause(MergeRule.MANUAL, event, {}, by, is_channel)
        return merges.merge(lock, survivor.pk, loser.pk, cause)


def choose_survivor(
    one: Contact, other: Contact, survivor: int | None
) -> tuple[Contact, Contact]:
    """Return survivor and loser: the chosen one, else the known, else the older."""

    def rank(contact: Contact) -> tuple[Any, ...]:
        is_other = contact.pk != survivor
        return is_other, contact.is_anonymous, contact.created_at, contact.pk

    first, second = sorted((one, other), key=rank)
    return first, second


def _open_between(one: int, other: int) -> "QuerySet[MergeSuggestion]":
    """Return open suggestions between the two, or contacts merged into them."""
    ones = Contact.objects.with_root([one])
    others = Contact.objects.with_root([other])
    return MergeSuggestion.objects.filter(
        Q(one__in=ones, other__in=others) | Q(one__in=others, other__in=ones),
        state=SuggestionState.OPEN,
    )


def _with_contacts(rows: "QuerySet[MergeSuggestion]") -> "QuerySet[MergeSuggestion]":
    return rows.select_related("one__merged_into", "other__merged_into")


def _still_open(suggestion: MergeSuggestion) -> MergeSuggestion:
    rows = _with_contacts(MergeSuggestion.objects.all())
    row = rows.select_for_update(of=("self",)).get(pk=suggestion.pk)
    if row.state != SuggestionState.OPEN:
        raise AlreadyDecided
    return row


def _close(
    row: MergeSuggestion, state: SuggestionState, *, by: User | None = None
) -> None:
    row.state, row.decided_by, row.decided_at = state, by, timezone.now()
    row.save(update_fields=["state", "decided_by", "decided_at"])
    events.enqueue(WebhookEvent.CLOSE_SUGGESTION, [row.pk])
