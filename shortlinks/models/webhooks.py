"""Webhooks and the outbox of their deliveries (docs/adr/0015)."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shortlinks.models.accounts import Account, User
from shortlinks.models.contacts import Contact

MAX_DESTINATION_LENGTH = 600  # characters, which always fit an index row


class WebhookEvent(models.TextChoices):
    NOTE_CONTACT = "note_contact", _("note on a contact")
    WITHDRAW_NOTE = "withdraw_note_contact", _("note withdrawn")
    MERGE_CONTACT = "merge_contact", _("contacts merged")
    UNDO_MERGE = "undo_merge_contact", _("merge undone")
    SUGGEST_MERGE = "suggest_merge_contact", _("merge suggested")
    CLOSE_SUGGESTION = "close_suggestion_contact", _("merge suggestion closed")


class Webhook(models.Model):
    """A receiver of an account's events. `secret` signs the requests."""

    account = models.ForeignKey(
        Account, verbose_name=_("account"), on_delete=models.CASCADE, db_index=False
    )
    destination = models.CharField(_("URL"), max_length=MAX_DESTINATION_LENGTH)
    settings = ArrayField(models.CharField(max_length=32, choices=WebhookEvent.choices))
    sort = models.BigIntegerField(_("order"), default=1)
    secret = models.TextField(
        editable=False, help_text="Encrypted, after the id of its key."
    )
    created_by = models.ForeignKey(
        User,
        verbose_name=_("created by"),
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
    )
    created_at = models.DateTimeField(
        _("created"), default=timezone.now, editable=False
    )
    updated_at = models.DateTimeField(
        _("updated"), default=timezone.now, editable=False
    )
    disabled_at = models.DateTimeField(_("disabled"), null=True, editable=False)
    disabled_reason = models.TextField(
        _("reason for disabling"), blank=True, editable=False
    )
    paused_until = models.DateTimeField(
        _("paused until"),
        null=True,
        editable=False,
        help_text=_("The receiver requested a pause (Retry-After)."),
    )
    failures = models.PositiveIntegerField(
        _("failures"),
        default=0,
        editable=False,
        help_text=_("Since the last successful delivery."),
    )
    last_success_at = models.DateTimeField(
        _("last delivery"), null=True, editable=False
    )

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
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
    PENDING = "pending", _("pending")
    DELIVERED = "delivered", _("delivered")
    FAILED = "failed", _("not delivered")
    CANCELLED = "cancelled", _("canceled: the note was withdrawn")


class WebhookDelivery(models.Model):
    """One event for one webhook.

    While it is being sent, `claimed_at` is set, and the lease expires at `due_at`. The
    rows that it is about may be deleted earlier, so it has no foreign keys to them.
    """

    webhook = models.ForeignKey(
        Webhook, verbose_name=_("webhook"), on_delete=models.CASCADE
    )
    event = models.CharField(_("event"), max_length=32, choices=WebhookEvent.choices)
    event_id = models.UUIDField(
        _("event ID"), unique=True, help_text=_("Value of the `webhook-id` header.")
    )
    contact = models.ForeignKey(
        Contact, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    subject_id = models.BigIntegerField(
        help_text="Id of the row that the event is about."
    )
    payload_data = models.JSONField(
        _("payload"), help_text=_("Data at the time of the event.")
    )
    state = models.CharField(
        _("status"),
        max_length=9,
        choices=DeliveryState.choices,
        default=DeliveryState.PENDING,
    )
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(_("next attempt"), null=True)
    claimed_at = models.DateTimeField(null=True)
    last_status = models.PositiveSmallIntegerField(_("last response"), null=True)
    last_error = models.TextField(_("last error"), db_default="")
    created_at = models.DateTimeField(_("created"))
    delivered_at = models.DateTimeField(_("delivered"), null=True)

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
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
