"""What waits for a person: accepted, it merges; rejected, it never comes back."""

from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from shortlinks.domain.merging import merges
from shortlinks.domain.merging.merges import MergeCause
from shortlinks.domain.merging.rules import Suggestion
from shortlinks.domain.webhooks import events
from shortlinks.models import (
    Account,
    Contact,
    Merge,
    MergeRule,
    MergeSuggestion,
    SuggestionState,
    User,
    WebhookEvent,
)


class AlreadyDecided(Exception):
    """Somebody else has accepted or rejected the suggestion."""


def suggest(account: Account, pair: Suggestion, evidence: dict[str, Any]) -> None:
    """Put the pair into the queue, unless it is there; within a turn."""
    one, other = sorted((pair.one.id, pair.other.id))
    if _open_between(one, other).exists():
        return
    row = MergeSuggestion.objects.create(
        account=account,
        one_id=one,
        other_id=other,
        rule=pair.rule,
        evidence=evidence,
    )
    events.enqueue(WebhookEvent.SUGGEST_MERGE, [row.pk])


def accept(
    suggestion: MergeSuggestion, *, by: User, survivor: int | None = None
) -> Merge | None:
    """Merge the two, into `survivor` if one is named; or raises DecidedAlready.

    None if they have become one meanwhile.
    """
    with transaction.atomic():
        account = merges.lock_account(suggestion.account_id)
        row = _still_open(suggestion)
        into, gone = choose_survivor(row.one.root, row.other.root, survivor)
        reason = MergeCause(
            MergeRule(row.rule), f"suggestion {row.pk}", dict(row.evidence), by
        )
        merge = merges.merge(account, into.pk, gone.pk, reason)
        _decide(row, SuggestionState.ACCEPTED, by, merge)
    return merge


def reject(suggestion: MergeSuggestion, *, by: User) -> None:
    """The two are two people, for good (pixel R12); or raises DecidedAlready."""
    with transaction.atomic():
        account = merges.lock_account(suggestion.account_id)
        row = _still_open(suggestion)
        one, other = row.one.root_id, row.other.root_id
        if one != other:
            merges.mark_separate(account.pk, one, other, by=by)
        _decide(row, SuggestionState.REJECTED, by, None)


def merge_by_hand(
    account_id: int, contacts: tuple[Contact, Contact], *, by: User, into: int | None
) -> Merge | None:
    """Merge the two, into the one whose row `into` names; None if they are one."""
    with transaction.atomic():
        account = merges.lock_account(account_id)
        survivor, loser = choose_survivor(*contacts, into)
        event = f"by hand {timezone.now().isoformat()}"
        reason = MergeCause(MergeRule.MANUAL, event, {}, by)
        return merges.merge(account, survivor.pk, loser.pk, reason)


def choose_survivor(
    one: Contact, other: Contact, survivor: int | None
) -> tuple[Contact, Contact]:
    """Who survives and who does not: as told, else the known one, else the older."""

    def rank(contact: Contact) -> tuple[Any, ...]:
        not_told = contact.pk != survivor
        return not_told, contact.is_anonymous, contact.created_at, contact.pk

    first, second = sorted((one, other), key=rank)
    return first, second


def _open_between(one: int, other: int) -> "QuerySet[MergeSuggestion]":
    """Also between those that are merged into them."""
    ones = Contact.objects.with_root([one])
    others = Contact.objects.with_root([other])
    return MergeSuggestion.objects.filter(
        Q(one__in=ones, other__in=others) | Q(one__in=others, other__in=ones),
        state=SuggestionState.OPEN,
    )


def _still_open(suggestion: MergeSuggestion) -> MergeSuggestion:
    rows = MergeSuggestion.objects.select_related(
        "one__merged_into", "other__merged_into"
    )
    row = rows.select_for_update(of=("self",)).get(pk=suggestion.pk)
    if row.state != SuggestionState.OPEN:
        raise AlreadyDecided
    return row


def _decide(
    row: MergeSuggestion, state: SuggestionState, by: User, merge: Merge | None
) -> None:
    row.state, row.decided_by, row.merge = state, by, merge
    row.decided_at = timezone.now()
    row.save(update_fields=["state", "decided_by", "merge", "decided_at"])
