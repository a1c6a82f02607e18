"""The queue of merge checks: chats and attachments that the rules decide about.

A check is inserted together with its chat or attachment, and deleted in the transaction
that applies the decision. It may run twice, crash, or run alongside another. It is
postponed while an open in its browser is pending.
"""

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from shortlinks.domain.contacts import contacts
from shortlinks.domain.merging import (
    facts,
    merges,
    pending,
    rules,
    suggestions,
    withdrawals,
)
from shortlinks.domain.merging.facts import BrowserSnapshot
from shortlinks.domain.merging.merges import AccountLock, MergeCause
from shortlinks.domain.merging.rules import AutoMerge, Decision, Suggestion
from shortlinks.domain.pixels import attachments
from shortlinks.models import (
    AttachmentReview,
    Chat,
    Contact,
    Evidence,
    MergeCheck,
    MergeRule,
    Pixel,
    PixelAttachment,
)

logger = logging.getLogger(__name__)

BATCH_SIZE = 100
MAX_ATTEMPTS = 15
PENDING = rules.no_action("an open in this browser is still being processed")
ONLY_BY_USER = "only a user may merge these contacts"


def process_due(limit: int = BATCH_SIZE) -> int:
    """Process due checks, at most `limit`; return their count.

    A check that fails is retried later and stops no other.
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


def examine_chats(pixel: Pixel) -> None:
    """Enqueue checks of the recent chats whose contacts are still anonymous."""
    recent = (
        Chat.objects.anonymous()
        .filter(
            account=pixel.account_id,
            visitor_uid=pixel.visitor_uid,
            updated_at__gte=timezone.now() - attachments.RECENT_CHAT_WINDOW,
        )
        .order_by("-updated_at")[: attachments.MAX_CHATS]
    )
    MergeCheck.objects.bulk_create(MergeCheck(chat=chat) for chat in recent)


def evaluate_chat(lock: AccountLock, chat: Chat) -> Decision:
    """Let the rules decide whose chat it is, and apply the decision.

    Returns what was applied, or PENDING if a check decides later.
    """
    contact = facts.load_contact(chat.contact_id)
    snapshot = pending.load_for_chat(
        lock.account, chat.visitor_uid, contact, chatted_at=chat.updated_at
    )
    if isinstance(snapshot, datetime):
        _check_later(chat, snapshot)
        return PENDING
    if snapshot.examine_at is not None and contact.is_anonymous:
        _check_later(chat, snapshot.examine_at)
    context = replace(snapshot.context, chatted_at=chat.updated_at)
    decision = rules.decide_chat(contact, snapshot.browser, context)
    event = f"chat {chat.pk} {chat.visitor_uid}"
    return _Application(lock, snapshot, event, chat).apply(decision)


def _check_later(chat: Chat, due_at: datetime) -> None:
    """Enqueue a check of the chat, unless one is due by then."""
    until_then = Q(due_at__gt=timezone.now(), due_at__lte=due_at)
    if not MergeCheck.objects.filter(until_then, chat=chat).exists():
        MergeCheck.objects.create(chat=chat, due_at=due_at)


def _process(check_id: int) -> None:
    locked = MergeCheck.objects.select_for_update(skip_locked=True)
    check = locked.filter(pk=check_id).first()
    if check is None:  # another worker has it
        return
    check.delete()
    if check.withdrawn_visit is not None:
        withdrawals.withdraw(check.withdrawn_visit)
    elif check.chat_id is not None:
        _evaluate_chat_of(check.chat_id)
    elif check.attachment_id is not None:
        _evaluate_attachment(check.attachment_id)


def _evaluate_chat_of(chat_id: int) -> None:
    chats = Chat.objects.filter(pk=chat_id)
    if (account_id := chats.values_list("account", flat=True).first()) is None:
        return
    lock = merges.lock_account(account_id)
    if (chat := chats.first()) and chat.visitor_uid:
        evaluate_chat(lock, chat)


def _evaluate_attachment(attachment_id: int) -> None:
    rows = PixelAttachment.objects.select_related("pixel")
    if (attachment := rows.filter(pk=attachment_id).first()) is None:
        return
    pixel = attachment.pixel
    lock = merges.lock_account(pixel.account_id)
    snapshot = pending.load_for_open(lock.account, pixel.visitor_uid)
    if isinstance(snapshot, datetime):
        MergeCheck.objects.create(attachment=attachment, due_at=snapshot)
        return
    opened = facts.load_contact(attachment.contact_id)
    if attachment.review == AttachmentReview.REJECTED or snapshot.browser is None:
        return
    has_opened = attachment.evidence != Evidence.CHAT
    if has_opened and any(o.contact == opened for o in snapshot.browser.owners):
        decision = rules.decide_open(opened, snapshot.browser, snapshot.context)
        _Application(lock, snapshot, f"open {attachment.pk}").apply(decision)
    examine_chats(pixel)


@dataclass(frozen=True, slots=True)
class _Application:
    """The application of a decision about a chat or an open."""

    lock: AccountLock
    snapshot: BrowserSnapshot
    event: str
    chat: Chat | None = None

    def apply(self, decision: Decision) -> Decision:
        """Apply the decision, a doubtful merge as a suggestion; return the result."""
        if decision.merge is not None and (rule := self._doubt(decision.merge)):
            pair = Suggestion(decision.merge.survivor, decision.merge.loser, rule)
            decision = Decision(suggestions=(pair,))
        pixel = self.snapshot.pixel
        if decision.marks_shared and pixel is not None:
            pixel.shared_since = timezone.now()
            pixel.save(update_fields=["shared_since"])
        for pair in decision.suggestions:
            evidence = self._evidence(pair.one.id, pair.other.id)
            suggestions.suggest(self.lock, pair, evidence)
        if decision.merge is not None:
            return self._merge(decision, decision.merge)
        return decision

    def _doubt(self, merge: AutoMerge) -> MergeRule | None:
        """Return the rule that turns this merge into a suggestion, or None."""
        if merges.was_undone(self.lock, self.event):
            return MergeRule.SEPARATED
        reporter = self.chat.created_by if self.chat is not None else None
        if reporter is None:  # an open, or a chat of a channel for the whole account
            return None
        survivor = Contact.objects.get(pk=merge.survivor.id)
        return None if contacts.may_edit(survivor, reporter) else merge.rule

    def _merge(self, decision: Decision, merge: AutoMerge) -> Decision:
        evidence = self._evidence(merge.survivor.id, merge.loser.id)
        cause = MergeCause(merge.rule, self.event, evidence)
        merged = merges.merge(self.lock, merge.survivor.id, merge.loser.id, cause)
        return decision if merged else rules.no_action(ONLY_BY_USER)

    def _evidence(self, one: int, other: int) -> dict[str, Any]:
        if self.chat is None:
            return self.snapshot.evidence(one, other)
        return {"chat_id": self.chat.pk, **self.snapshot.evidence(one)}
