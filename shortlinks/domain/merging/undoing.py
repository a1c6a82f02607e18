"""Undoing a merge: what it wrote is taken back, if nobody has written over it (R11)."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from shortlinks.domain.merging import merge_notes, merges
from shortlinks.domain.merging.merges import Change
from shortlinks.domain.webhooks import events
from shortlinks.models import (
    AttachmentReview,
    Contact,
    Merge,
    MergeChange,
    MergeState,
    PixelAttachment,
    User,
    WebhookEvent,
)

UNDO_WINDOW = timedelta(days=365)


class HasLaterMerge(Exception):
    """The survivor was merged further; that merge is to be undone first (LIFO)."""

    def __init__(self, later: Merge) -> None:
        super().__init__(f"undo merge {later.pk} first")
        self.later = later


class AlreadyUndone(Exception):
    """There is nothing left to undo."""


class TooOld(Exception):
    """The merge is older than can be undone."""


def undo(merge: Merge, *, by: User) -> list[MergeChange]:
    """Make the two again what they were, and keep them apart.

    What somebody has changed since stays, and is returned. What was made for either of
    them meanwhile stays with the one it was made for. Raises UndoneAlready, MergedLater
    or TooOld.
    """
    with transaction.atomic():
        account = merges.lock_account(merge.account_id)
        merge = Merge.objects.select_for_update(of=("self",)).get(pk=merge.pk)
        _refuse(merge)
        kept = _restore(merge)
        merge.state, merge.undone_by = MergeState.UNDONE, by
        merge.undone_at = timezone.now()
        merge.save(update_fields=["state", "undone_by", "undone_at"])
        merges.mark_separate(account.pk, merge.survivor_id, merge.loser_id, by=by)
        if merge.created_by_id is None:
            _revoke(merge)
        merge_notes.note_undo(account, merge, by)
        events.enqueue(WebhookEvent.UNDO_MERGE, [merge.pk])
    return kept


def _refuse(merge: Merge) -> None:
    if merge.state == MergeState.UNDONE:
        raise AlreadyUndone
    later = Merge.objects.filter(loser=merge.survivor_id, state=MergeState.APPLIED)
    if found := later.first():
        raise HasLaterMerge(found)
    if timezone.now() - merge.created_at > UNDO_WINDOW:
        raise TooOld


def _restore(merge: Merge) -> list[MergeChange]:
    items = list(merge.items.order_by("contact", "pk"))
    rows = Contact.objects.order_by("pk").select_for_update(no_key=True)
    contacts = rows.in_bulk({item.contact_id for item in items})
    kept = [i for i in items if getattr(contacts[i.contact_id], i.column) != i.after]
    merges.store(
        [
            Change(contacts[item.contact_id], item.column, item.before)
            for item in items
            if item not in kept
        ]
    )
    return kept


def _revoke(merge: Merge) -> None:
    """The browser is not the survivor's, a person says."""
    PixelAttachment.objects.filter(
        pixel=merge.evidence.get("pixel_id"),
        contact__in=Contact.objects.same_person(merge.survivor),
    ).update(review=AttachmentReview.REJECTED)
