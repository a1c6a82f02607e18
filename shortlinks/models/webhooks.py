"""Webhooks and the outbox of their deliveries (docs/adr/0015)."""

from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shortlinks.models.accounts import Account, User
from shortlinks.models.contacts import Contact

MAX_DESTINATION_LENGTH = 600  # characters, which always fit an index row


class WebhookEvent(models.TextChoices):
    NOTE_CONTACT = "note_contact", _("note on a contact")
    WITHDRAW_NOTE = "withdraw_note_contact", _("note withdrawn")
    LINK_OPENED = "link_opened", _("link opened (JSON)")
    WITHDRAW_OPEN = "withdraw_link_opened", _("open withdrawn (JSON)")
    MERGE_CONTACT = "merge_contact", _("contacts merged")
    UNDO_MERGE = "undo_merge_contact", _("merge undone")
    SUGGEST_MERGE = "suggest_merge_contact", _("merge suggested")
    CLOSE_SUGGESTION = "close_suggestion_contact", _("merge suggestion closed")


# The event of a test delivery. No webhook subscribes to it.
TEST = "test"


class WebhookState(models.TextChoices):
    """States of a webhook, which its page and the filter of the list show."""

    ACTIVE = "active", _("active")
    PAUSED = "paused", _("paused")
    FAILING = "failing", _("failing")
    DISABLED = "disabled", _("disabled")


class WebhookQuerySet(models.QuerySet["Webhook"]):
    def in_state(self, state: WebhookState) -> Self:
        """Return webhooks in this state. Disabled ones count as failing."""
        disabled = Q(disabled_at__isnull=False)
        paused = ~disabled & Q(paused_at__isnull=False)
        failing = disabled | Q(failing_since__isnull=False, paused_at=None)
        return self.filter(
            {
                WebhookState.ACTIVE: ~paused & ~failing,
                WebhookState.PAUSED: paused,
                WebhookState.FAILING: failing,
                WebhookState.DISABLED: disabled,
            }[state]
        )

    def with_late_events(self) -> Self:
        """Annotate `late_events`: those that failed and wait for their next attempt.

        A claimed event has a future `due_at`, too: the end of its lease.
        """
        late = WebhookDelivery.objects.filter(
            webhook=OuterRef("pk"),
            state=DeliveryState.PENDING,
            due_at__gt=Now(),
            claimed_at=None,
        ).exclude(event=TEST)
        counts = late.order_by().values("webhook").annotate(n=Count("pk")).values("n")
        return self.annotate(late_events=Coalesce(Subquery(counts), 0))


class Webhook(models.Model):
    """A receiver of an account's events. `secret` signs the requests.

    A webhook fails from its first failed attempt until it accepts an event, or a user
    enables it. It gets no events while it is disabled. While it is paused, they wait.
    `settings` (its events) and `sort` (its place in lists) have amoCRM's names.
    """

    account = models.ForeignKey(
        Account, verbose_name=_("account"), on_delete=models.CASCADE, db_index=False
    )
    destination = models.CharField(_("URL"), max_length=MAX_DESTINATION_LENGTH)
    settings = ArrayField(
        models.CharField(max_length=32, choices=WebhookEvent.choices),
        verbose_name=_("events"),
    )
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
    paused_at = models.DateTimeField(
        _("paused"), null=True, editable=False, help_text="By an administrator."
    )
    paused_until = models.DateTimeField(
        null=True,
        editable=False,
        help_text="By the receiver's Retry-After. The state is then not PAUSED.",
    )
    failing_since = models.DateTimeField(_("failing since"), null=True, editable=False)
    failures = models.PositiveIntegerField(
        _("failures"),
        default=0,
        editable=False,
        help_text="In a row; 0 after a delivery, and when a user enables it.",
    )
    last_error = models.TextField(
        blank=True, editable=False, help_text="A key of `domain/webhooks/failures`."
    )
    disabled_at = models.DateTimeField(_("disabled"), null=True, editable=False)
    mail_due_at = models.DateTimeField(
        null=True, editable=False, help_text="When to e-mail its owner that it is off."
    )
    last_success_at = models.DateTimeField(
        _("last delivery"), null=True, editable=False
    )

    objects = WebhookQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        constraints = [
            models.UniqueConstraint(
                fields=["account", "destination"],
                name="webhook_destination",
                violation_error_message=_("A webhook with this URL already exists."),
            ),
            models.CheckConstraint(
                name="webhook_failing_has_failures_and_error",
                condition=Q(failing_since=None, failures=0, last_error="")
                | Q(failing_since__isnull=False, failures__gt=0) & ~Q(last_error=""),
            ),
            models.CheckConstraint(
                name="webhook_disabled_is_failing",
                condition=Q(disabled_at=None) | Q(failing_since__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.destination

    @property
    def state(self) -> WebhookState:
        if self.disabled_at is not None:
            return WebhookState.DISABLED
        if self.paused_at is not None:
            return WebhookState.PAUSED
        if self.failing_since is not None:
            return WebhookState.FAILING
        return WebhookState.ACTIVE


class DeliveryState(models.TextChoices):
    PENDING = "pending", _("pending")
    DELIVERED = "delivered", _("delivered")
    FAILED = "failed", _("not delivered")
    CANCELLED = "cancelled", _("canceled: the note was withdrawn")


class WebhookDelivery(models.Model):
    """One event for one webhook.

    While it is being sent, `claimed_at` is set, and the lease expires at `due_at`. The
    rows that it is about may be deleted earlier: `contact` is not constrained by the
    database, and `subject_id` is a plain id.
    """

    webhook = models.ForeignKey(
        Webhook, verbose_name=_("webhook"), on_delete=models.CASCADE
    )
    event = models.CharField(
        _("event"), max_length=32, choices=[*WebhookEvent.choices, (TEST, _("test"))]
    )
    event_id = models.UUIDField(
        _("event ID"), unique=True, help_text=_("Value of the `webhook-id` header.")
    )
    contact = models.ForeignKey(
        Contact,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        help_text="None for a test.",
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
    last_error = models.TextField(
        db_default="", help_text="A key of `domain/webhooks/failures`."
    )
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
            ),
            models.UniqueConstraint(
                name="delivery_one_test_at_a_time",
                fields=["webhook"],
                condition=Q(state=DeliveryState.PENDING, event=TEST),
            ),
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
            models.Index(fields=["subject_id"], name="delivery_by_subject"),
            models.Index(fields=["contact"], name="delivery_by_contact"),
            models.Index(fields=["created_at"], name="delivery_by_age"),
            models.Index(
                fields=["webhook", "-id"], name="delivery_test", condition=Q(event=TEST)
            ),
            models.Index(
                fields=["id"],
                name="delivery_failed",
                condition=Q(state=DeliveryState.FAILED),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_event_display()} {self.event_id}"
