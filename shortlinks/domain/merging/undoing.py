"""Undoing of merges, by a user or because an open was not a person's."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from shortlinks.domain.merging import evidence, merge_notes, merges, suggestions
from shortlinks.domain.merging.merges import AccountLock
from shortlinks.domain.webhooks import events
from shortlinks.models import (
    Contact,
    Merge,
    MergeChange,
    MergeState,
    MergeSuggestion,
    SuggestionState,
    User,
    WebhookEvent,
)

UNDO_WINDOW = timedelta(days=365)
MAX_SUGGESTIONS = 100  # examined again after an undo


class AlreadyUndone(Exception):
    """The merge was undone already."""


class TooOld(Exception):
    """The merge is older than `UNDO_WINDOW`."""


def undo(merge: Merge, *, by: User) -> list[MergeChange]:
    """Restore the contacts as if they had not been merged, and mark them as separate.

    Later merges of both contacts remain, except merges by rules because of opens that
    now belong to the other contact. Columns that a user edited since are kept and
    returned. Links, notes and chats stay with the contact they belong to. Raises
    AlreadyUndone or TooOld.
    """
    with transaction.atomic():
        lock = merges.lock_account(merge.account_id)
        merge = Merge.objects.select_for_update(of=("self",)).get(pk=merge.pk)
        _check_undoable(merge)
        kept = merges.restore_contacts(merge, by=by)
        _separate(lock, merge, by)
        merge.undone_by = by
        _mark_undone(lock, merge)
        _withdraw_misplaced(lock, merge)
        _examine_suggestions(merge)
    return kept


def withdraw(lock: AccountLock, merge: Merge) -> None:
    """Undo a rule's merge that has lost its evidence; its event may merge again."""
    merges.restore_contacts(merge, by=None)
    merge.key = merges.key_of(f"withdrawn {merge.pk}")
    _mark_undone(lock, merge)


def _mark_undone(lock: AccountLock, merge: Merge) -> None:
    """Store and report that the merge was removed, and examine its browser again."""
    merge.state, merge.undone_at = MergeState.UNDONE, timezone.now()
    merge.save(update_fields=["state", "undone_at", "undone_by", "key"])
    merge_notes.note_undo(lock.account, merge)
    events.enqueue(WebhookEvent.UNDO_MERGE, [merge.pk])
    evidence.examine_again(merge.evidence)
    closed = MergeSuggestion.objects.filter(merge=merge, state=SuggestionState.CLOSED)
    for suggestion in closed.order_by("-pk")[:MAX_SUGGESTIONS]:
        evidence.examine_again(suggestion.evidence)


def _check_undoable(merge: Merge) -> None:
    if merge.state == MergeState.UNDONE:
        raise AlreadyUndone
    if timezone.now() - merge.created_at > UNDO_WINDOW:
        raise TooOld


def _separate(lock: AccountLock, merge: Merge, by: User) -> None:
    """Separate loser from survivor, and from the contacts whose links were opened."""
    survivor = Contact.objects.get(pk=merge.survivor_id)
    opened = _opened_contacts(merge).difference(_members(merge.loser_id))
    ones = {survivor.pk, survivor.root_id, *opened}
    merges.mark_separate(lock, ones, {merge.loser_id}, by=by)


def _withdraw_misplaced(lock: AccountLock, undone: Merge) -> None:
    """Withdraw later merges that joined the wrong one of the two contacts.

    A chat joined the survivor because a link of a contact within the loser was opened,
    or the other way round.
    """
    later = Merge.objects.filter(
        account=lock.account,
        survivor__in=[undone.survivor_id, undone.loser_id],
        pk__gt=undone.pk,
        state=MergeState.APPLIED,
        created_by=None,
    )
    for merge in later.order_by("-pk"):
        opened = _opened_contacts(merge) - {merge.loser_id}
        if opened and not opened & _members(merge.survivor_id):
            withdraw(lock, merge)


def _examine_suggestions(undone: Merge) -> None:
    """Let the rules decide again what they suggested while the two were merged.

    Closes suggestions that rest on links of a contact that is no longer in the pair.
    """
    people = _members(undone.survivor_id) | _members(undone.loser_id)
    later = MergeSuggestion.objects.filter(
        Q(one__in=people) | Q(other__in=people),
        state=SuggestionState.OPEN,
        created_at__gte=undone.created_at,
    )
    for row in later.order_by("-pk")[:MAX_SUGGESTIONS]:
        opened = evidence.contacts_of(row.evidence)
        if opened and opened <= _members(row.one_id) | _members(row.other_id):
            evidence.examine_again(row.evidence)
        else:
            suggestions.withdraw(row)


def _opened_contacts(merge: Merge) -> set[int]:
    return evidence.contacts_of(merge.evidence)


def _members(contact_id: int) -> set[int]:
    """Return the pks of the contact and of all that are merged with it."""
    contact = Contact.objects.get(pk=contact_id)
    return set(Contact.objects.same_person(contact).values_list("pk", flat=True))
