"""Admin pages for webhooks and deliveries, without secrets."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from shortlinks.admin.base import AccountScopedAdmin, is_administrator
from shortlinks.admin.row_actions import ActionResult, RowActionAdmin, done
from shortlinks.domain.webhooks import deliveries, subscriptions
from shortlinks.models import DeliveryState, Webhook, WebhookDelivery, WebhookEvent


@admin.register(Webhook)
class WebhookAdmin(AccountScopedAdmin[Webhook]):
    fields = (
        "account",
        "destination",
        "subscribed_events",
        "sort",
        "created_by",
        "created_at",
        "updated_at",
        "disabled_at",
        "disabled_reason",
        "paused_until",
        "failures",
        "last_success_at",
    )
    list_display = (
        "destination",
        "created_at",
        "last_success_at",
        "failures",
        "disabled_at",
        "disabled_reason",
    )
    search_fields = ("destination",)
    ordering = ("-id",)
    actions = ("enable", "disable")

    @admin.display(description=_("events"))
    def subscribed_events(self, row: Webhook) -> str:
        return ", ".join(str(WebhookEvent(event).label) for event in row.settings)

    def has_switch_permission(self, request: HttpRequest) -> bool:
        return is_administrator(request)

    @admin.action(description=_("Enable selected webhooks"), permissions=["switch"])
    def enable(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        disabled = list(queryset.exclude(disabled_at=None))
        count = {"count": subscriptions.enable(disabled)}
        self.log_action(request, disabled, gettext("Enabled."))
        self.message_user(request, gettext("Webhooks enabled: %(count)d.") % count)

    @admin.action(description=_("Disable selected webhooks"), permissions=["switch"])
    def disable(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        enabled = list(queryset.filter(disabled_at=None))
        count = {"count": subscriptions.disable(enabled)}
        self.log_action(request, enabled, gettext("Disabled."))
        self.message_user(request, gettext("Webhooks disabled: %(count)d.") % count)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(RowActionAdmin[WebhookDelivery]):
    change_form_template = "admin/shortlinks/row_actions.html"
    steps = ("retry",)
    buttons: ClassVar[dict[str, Any]] = {"retry": _("Resend")}
    account_path = "webhook__account_id"
    fields = (
        "webhook",
        "event",
        "event_id",
        "payload_data",
        "created_at",
        "state",
        "attempts",
        "due_at",
        "delivered_at",
        "last_status",
        "last_error",
    )
    list_display = (
        "created_at",
        "webhook",
        "event",
        "state",
        "attempts",
        "delivered_at",
        "last_status",
        "last_error",
    )
    list_filter = ("state",)
    list_select_related = ("webhook",)
    sortable_by = ()
    ordering = ("-id",)
    indexed_filters = (
        ("state__exact", DeliveryState.PENDING),
        ("state__exact", DeliveryState.FAILED),
    )
    actions = ("resend",)

    def has_send_permission(self, request: HttpRequest) -> bool:
        return is_administrator(request)

    def has_action_permission(self, request: HttpRequest, row: WebhookDelivery) -> bool:
        """Exclude deliveries that are being sent or were canceled."""
        is_cancelled = row.state == DeliveryState.CANCELLED
        return is_administrator(request) and not is_cancelled and row.claimed_at is None

    def retry(self, request: HttpRequest, row: WebhookDelivery) -> ActionResult:
        deliveries.resend([row])
        return done(gettext("Queued for resending."))

    @admin.action(description=_("Resend"), permissions=["send"])
    def resend(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> None:
        chosen = list(queryset)
        count = {"count": deliveries.resend(chosen)}
        self.log_action(request, chosen, gettext("Queued for resending."))
        self.message_user(request, gettext("Queued for resending: %(count)d.") % count)
