"""Webhooks: where events are told, and the outbox of what is to be told (ADR 15)."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from shortlinks.models.accounts import Account, User
from shortlinks.models.contacts import Contact

MAX_DESTINATION_LENGTH = 600  # characters: what always fits an index row


class WebhookEvent(models.TextChoices):
    NOTE_CONTACT = "note_contact", "a note on a contact"
    MERGE_CONTACT = "merge_contact", "two contacts became one"
    UNDO_MERGE = "undo_merge_contact", "a merge was undone"
    SUGGEST_MERGE = "suggest_merge_contact", "two contacts may be one"


class Webhook(models.Model):
    """A receiver of an account's events; `secret` signs what it is sent."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_index=False)
    destination = models.CharField(max_length=MAX_DESTINATION_LENGTH)
    settings = ArrayField(models.CharField(max_length=32, choices=WebhookEvent.choices))
    sort = models.BigIntegerField(default=1)
    secret = models.TextField(editable=False, help_text="Encrypted, after its key's id")
    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    disabled_at = models.DateTimeField(null=True, editable=False)
    disabled_reason = models.TextField(blank=True, editable=False)
    paused_until = models.DateTimeField(
        null=True, editable=False, help_text="It asked for a pause (Retry-After)."
    )
    failures = models.PositiveIntegerField(
        default=0, editable=False, help_text="Since it last accepted an event."
    )
    last_success_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "destination"], name="webhook_destination"
            ),
            models.CheckConstraint(
                name="webhook_disabled_has_reason",
                condition=Q(disabled_at=None, disabled_reason="")
                | Q(disabled_at__isnull=False) & ~Q(disabled_reason=""),
            ),
        ]

    def __str__(self) -> str:
        return self.destination


class DeliveryState(models.TextChoices):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled", "cancelled: the note was withdrawn"


class WebhookDelivery(models.Model):
    """One event for one webhook. The row remembers what is left to do (DESIGN 5).

    While it is being sent, `claimed_at` is set and `due_at` is when to take it for
    lost. What it is about may go before it, so it has no foreign keys to that.
    """

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE)
    event = models.CharField(max_length=32, choices=WebhookEvent.choices)
    event_id = models.UUIDField(unique=True, help_text="The header `webhook-id`.")
    contact = models.ForeignKey(
        Contact, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    subject_id = models.BigIntegerField(help_text="Of the row that it is about.")
    payload_data = models.JSONField(
        help_text="What the body says, as it was at the event."
    )
    state = models.CharField(
        max_length=9, choices=DeliveryState.choices, default=DeliveryState.PENDING
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True)
    claimed_at = models.DateTimeField(null=True)
    last_status = models.PositiveSmallIntegerField(null=True)
    last_error = models.TextField(db_default="")
    created_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.CheckConstraint(
                name="delivery_due_while_pending",
                condition=Q(state=DeliveryState.PENDING, due_at__isnull=False)
                | ~Q(state=DeliveryState.PENDING) & Q(due_at=None),
            )
        ]
        indexes = [
            models.Index(
                fields=["webhook", "due_at", "id"],
                name="delivery_due",
                condition=Q(state=DeliveryState.PENDING),
            ),
            models.Index(
                fields=["webhook", "contact", "id"],
                name="delivery_in_order",
                condition=Q(state=DeliveryState.PENDING),
            ),
            models.Index(
                fields=["webhook"],
                name="delivery_in_progress",
                condition=Q(state=DeliveryState.PENDING, claimed_at__isnull=False),
            ),
            models.Index(
                fields=["subject_id"],
                name="delivery_by_subject",
                condition=Q(state=DeliveryState.PENDING),
            ),
            models.Index(fields=["created_at"], name="delivery_by_age"),
            models.Index(
                fields=["id"],
                name="delivery_failed",
                condition=Q(state=DeliveryState.FAILED),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_event_display()} {self.event_id}"
