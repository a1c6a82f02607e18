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
from shortlinks.domain.merging.facts import Scene
from shortlinks.domain.merging.merges import Reason
from shortlinks.domain.merging.rules import Decision
from shortlinks.models import (
    Account,
    Chat,
    MergeCheck,
    Pixel,
    PixelAttachment,
    Standing,
)

logger = logging.getLogger(__name__)

AT_ONCE = 100
MOST_ATTEMPTS = 15
MOST_CHATS = 50  # of one browser
CHATS_SINCE = timedelta(days=90)


def look(limit: int = AT_ONCE) -> int:
    """Look at what is due, at most `limit`; how many rows were looked at.

    One that fails is put off and stops no other.
    """
    due = MergeCheck.objects.filter(
        due_at__lte=timezone.now(), attempts__lt=MOST_ATTEMPTS
    )
    ids = list(due.order_by("due_at", "pk").values_list("pk", flat=True)[:limit])
    for id_ in ids:
        try:
            with transaction.atomic():
                _look_at(id_)
        except DatabaseError:
            if connection.needs_rollback or not connection.is_usable():
                raise
            logger.exception("merge check %d failed", id_)
            MergeCheck.objects.filter(pk=id_).update(
                attempts=F("attempts") + 1,
                due_at=timezone.now() + timedelta(seconds=30),
            )
    return len(ids)


def _look_at(check_id: int) -> None:
    locked = MergeCheck.objects.select_for_update(skip_locked=True)
    check = locked.filter(pk=check_id).first()
    if check is None:  # somebody else is at it
        return
    if check.chat_id is not None:
        if chat := Chat.objects.filter(pk=check.chat_id).first():
            of_chat(merges.take_turn(chat.account_id), chat)
    else:
        attachments = PixelAttachment.objects.select_related("pixel")
        if attachment := attachments.filter(mergecheck=check).first():
            _of_attachment(attachment)
    check.delete()


def of_chat(account: Account, chat: Chat) -> Decision:
    """Follow the rules for a chat, within a turn of its account."""
    pixel = Pixel.objects.filter(account=account, visitor_uid=chat.visitor_uid).first()
    whose = facts.party(chat.contact_id)
    scene = facts.scene(account, pixel, whose)
    decision = rules.of_chat(whose, scene.browser, scene.around)
    event = f"chat {chat.pk} {chat.visitor_uid}"
    _follow(account, decision, scene, event, chat)
    return decision


def _of_attachment(attachment: PixelAttachment) -> None:
    pixel = attachment.pixel
    account = merges.take_turn(pixel.account_id)
    scene = facts.scene(account, pixel)
    opened = facts.party(attachment.contact_id)
    if attachment.standing == Standing.REVOKED or scene.browser is None:
        return
    if any(owner.party == opened for owner in scene.browser.owners):
        decision = rules.of_open(opened, scene.browser, scene.around)
        _follow(account, decision, scene, f"open {attachment.pk}")
    _enqueue_chats(pixel)


def _enqueue_chats(pixel: Pixel) -> None:
    """They may have come before the open that says whose browser it is."""
    recent = Chat.objects.filter(
        account=pixel.account_id,
        visitor_uid=pixel.visitor_uid,
        updated_at__gte=timezone.now() - CHATS_SINCE,
    ).order_by("-updated_at")[:MOST_CHATS]
    MergeCheck.objects.bulk_create(MergeCheck(chat=chat) for chat in recent)


def _follow(
    account: Account,
    decision: Decision,
    scene: Scene,
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
        reason = Reason(join.rule, event, evidence)
        merges.join(account, join.survivor.id, join.loser.id, reason)
