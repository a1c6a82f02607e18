"""Admin page for webhook deliveries."""

import json
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from shortlinks.admin.base import is_administrator
from shortlinks.admin.row_actions import ActionResult, RowActionAdmin, done
from shortlinks.domain.webhooks import deliveries, failures
from shortlinks.models import DeliveryState, WebhookDelivery
from shortlinks.models.webhooks import TEST


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(RowActionAdmin[WebhookDelivery]):
    change_form_template = "admin/shortlinks/row_actions.html"
    row_actions = ("retry",)
    buttons: ClassVar[dict[str, Any]] = {"retry": _("Resend")}
    account_path = "webhook__account_id"
    fields = (
        "webhook",
        "event",
        "event_id",
        "payload",
        "created_at",
        "state",
        "attempts",
        "due_at",
        "delivered_at",
        "last_status",
        "error",
    )
    list_display = (
        "created_at",
        "webhook",
        "event",
        "state",
        "attempts",
        "delivered_at",
        "last_status",
        "error",
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

    @admin.display(description=_("payload"))
    def payload(self, row: WebhookDelivery) -> str:
        """Return JSON without the inline styles of unfold, which the policy forbids."""
        text = json.dumps(row.payload_data, ensure_ascii=False, indent=2)
        return format_html('<pre class="ours-data">{}</pre>', text)

    @admin.display(description=_("last error"))
    def error(self, row: WebhookDelivery) -> str:
        return failures.explain(row.last_error)

    def has_send_permission(self, request: HttpRequest) -> bool:
        return is_administrator(request)

    def has_action_permission(self, request: HttpRequest, row: WebhookDelivery) -> bool:
        """Exclude tests, and deliveries that are being sent or were canceled."""
        is_cancelled = row.state == DeliveryState.CANCELLED
        may_resend = not is_cancelled and row.claimed_at is None and row.event != TEST
        return is_administrator(request) and may_resend

    def retry(self, request: HttpRequest, row: WebhookDelivery) -> ActionResult:
        deliveries.resend([row])
        return done(gettext("Queued for resending."))

    @admin.action(description=_("Resend"), permissions=["send"])
    def resend(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> None:
        chosen = list(queryset)
        count = {"count": deliveries.resend(chosen)}
        self.log_action(request, chosen, gettext("Queued for resending."))
        self.message_user(request, gettext("Queued for resending: %(count)d.") % count)
