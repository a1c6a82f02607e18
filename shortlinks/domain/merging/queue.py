"""Looking at what may merge: each new chat and each new attachment, once.

What is to be looked at is a row, written in the transaction that made it necessary; it
goes in the transaction that follows what the rules decide. So a check may run twice,
die or meet another.
"""

import logging
from datetime import timedelta

from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.utils import timezone

from shortlinks.domain.merging import facts, merges, rules, suggestions
from shortlinks.domain.merging.facts import BrowserSnapshot
from shortlinks.domain.merging.merges import MergeCause
from shortlinks.domain.merging.rules import Decision
from shortlinks.models import (
    Account,
    AttachmentReview,
    Chat,
    MergeCheck,
    Pixel,
    PixelAttachment,
)

logger = logging.getLogger(__name__)

BATCH_SIZE = 100
MAX_ATTEMPTS = 15
MAX_CHATS = 50  # of one browser
RECENT_CHAT_WINDOW = timedelta(days=90)


def process_due(limit: int = BATCH_SIZE) -> int:
    """Look at what is due, at most `limit`; how many rows were looked at.

    One that fails is put off and stops no other.
    """
    due = MergeCheck.objects.filter(
        due_at__lte=timezone.now(), attempts__lt=MAX_ATTEMPTS
    )
    ids = list(due.order_by("due_at", "pk").values_list("pk", flat=True)[:limit])
    for id_ in ids:
        try:
            with transaction.atomic():
                _process(id_)
        except DatabaseError:
            if connection.needs_rollback or not connection.is_usable():
                raise
            logger.exception("merge check %d failed", id_)
            MergeCheck.objects.filter(pk=id_).update(
                attempts=F("attempts") + 1,
                due_at=timezone.now() + timedelta(seconds=30),
            )
    return len(ids)


def _process(check_id: int) -> None:
    locked = MergeCheck.objects.select_for_update(skip_locked=True)
    check = locked.filter(pk=check_id).first()
    if check is None:  # somebody else is at it
        return
    if check.chat_id is not None:
        if chat := Chat.objects.filter(pk=check.chat_id).first():
            evaluate_chat(merges.lock_account(chat.account_id), chat)
    else:
        attachments = PixelAttachment.objects.select_related("pixel")
        if attachment := attachments.filter(mergecheck=check).first():
            _evaluate_attachment(attachment)
    check.delete()


def evaluate_chat(account: Account, chat: Chat) -> Decision:
    """Follow the rules for a chat, within a turn of its account."""
    pixel = Pixel.objects.filter(account=account, visitor_uid=chat.visitor_uid).first()
    whose = facts.load_party(chat.contact_id)
    scene = facts.load_snapshot(account, pixel, whose)
    decision = rules.decide_chat(whose, scene.browser, scene.context)
    event = f"chat {chat.pk} {chat.visitor_uid}"
    _apply_decision(account, decision, scene, event, chat)
    return decision


def _evaluate_attachment(attachment: PixelAttachment) -> None:
    pixel = attachment.pixel
    account = merges.lock_account(pixel.account_id)
    scene = facts.load_snapshot(account, pixel)
    opened = facts.load_party(attachment.contact_id)
    if attachment.review == AttachmentReview.REJECTED or scene.browser is None:
        return
    if any(owner.contact == opened for owner in scene.browser.owners):
        decision = rules.decide_open(opened, scene.browser, scene.context)
        _apply_decision(account, decision, scene, f"open {attachment.pk}")
    _enqueue_chats(pixel)


def _enqueue_chats(pixel: Pixel) -> None:
    """They may have come before the open that says whose browser it is."""
    recent = Chat.objects.filter(
        account=pixel.account_id,
        visitor_uid=pixel.visitor_uid,
        updated_at__gte=timezone.now() - RECENT_CHAT_WINDOW,
    ).order_by("-updated_at")[:MAX_CHATS]
    MergeCheck.objects.bulk_create(MergeCheck(chat=chat) for chat in recent)


def _apply_decision(
    account: Account,
    decision: Decision,
    scene: BrowserSnapshot,
    event: str,
    chat: Chat | None = None,
) -> None:
    about = {"chat_id": chat.pk} if chat else {}
    if decision.quarantines and scene.pixel is not None:
        scene.pixel.quarantined_at = timezone.now()
        scene.pixel.save(update_fields=["quarantined_at"])
    for pair in decision.suggestions:
        suggestions.suggest(account, pair, about | scene.evidence(pair.one.id))
    if (join := decision.join) is not None:
        evidence = about | scene.evidence(join.survivor.id)
        reason = MergeCause(join.rule, event, evidence)
        merges.merge(account, join.survivor.id, join.loser.id, reason)
