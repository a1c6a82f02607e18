"""Admin page for webhooks. The signing secret is shown once."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from shortlinks import tasks
from shortlinks.admin import webhook_states
from shortlinks.admin.base import Names, current_user, is_administrator
from shortlinks.admin.forms import AdminForm
from shortlinks.admin.row_actions import ActionResult, RowActionAdmin, done
from shortlinks.domain.links.urls import UrlRejected
from shortlinks.domain.webhooks import destinations, events, subscriptions
from shortlinks.domain.webhooks.subscriptions import Subscription, TooManyWebhooks
from shortlinks.models import Webhook, WebhookEvent, WebhookState

TOO_MANY = _("The account has reached its limit of webhooks. Delete one first.")


class WebhookForm(AdminForm[Webhook]):
    settings = forms.MultipleChoiceField(
        label=capfirst(_("events")),
        choices=WebhookEvent.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )

    def clean_destination(self) -> str:
        try:
            return destinations.parse(self.cleaned_data["destination"])
        except UrlRejected as rejected:
            raise forms.ValidationError(gettext(rejected.detail)) from None

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if self.instance._state.adding and data.get("account") and not self.errors:
            try:
                subscriptions.check_quota(data["account"], data["destination"])
            except TooManyWebhooks:
                raise forms.ValidationError(TOO_MANY) from None
        return data


class StateFilter(admin.SimpleListFilter):
    title = _("status")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return WebhookState.choices

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Webhook]
    ) -> QuerySet[Webhook]:
        chosen = self.value()
        if chosen not in WebhookState.values:
            return queryset
        return queryset.filter(
            pk__in=Webhook.objects.in_state(WebhookState(chosen)).values("pk")
        )


@admin.register(Webhook)
class WebhookAdmin(RowActionAdmin[Webhook]):
    form = WebhookForm
    change_form_template = "admin/shortlinks/webhook/change_form.html"
    entered = ("account", "destination", "settings", "sort")
    shown = ("status", "last_success_at", "created_by", "created_at", "updated_at")
    list_display = ("destination", "subscribed_events", "status", "last_success_at")
    list_filter = (StateFilter,)
    search_fields = ("destination",)
    ordering = ("-id",)
    actions = ("pause_selected", "resume_selected")
    row_actions: ClassVar[tuple[str, ...]] = ("send_test", "pause", "resume")

    @admin.display(description=_("events"))
    def subscribed_events(self, row: Webhook) -> str:
        return ", ".join(str(WebhookEvent(event).label) for event in row.settings)

    @admin.display(description=_("status"))
    def status(self, row: Webhook) -> str:
        return webhook_states.describe(row)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Webhook]:
        visible = super().get_queryset(request).values("pk")
        return Webhook.objects.filter(pk__in=visible).with_late_events()

    # --- permissions and forms -----------------------------------------------

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_administrator(request)

    def has_change_permission(
        self, request: HttpRequest, obj: Webhook | None = None
    ) -> bool:
        return is_administrator(request)

    def has_delete_permission(
        self, request: HttpRequest, obj: Webhook | None = None
    ) -> bool:
        return is_administrator(request)

    def has_action_permission(self, request: HttpRequest, row: Webhook) -> bool:
        return is_administrator(request)

    def get_fields(self, request: HttpRequest, obj: Webhook | None = None) -> Names:
        return self.entered if obj is None else (*self.entered, *self.shown)

    def get_readonly_fields(
        self, request: HttpRequest, obj: Webhook | None = None
    ) -> Names:
        return self.shown

    def save_model(
        self, request: HttpRequest, obj: Webhook, form: Any, change: Any
    ) -> None:
        if change:
            subscriptions.change(obj)
            transaction.on_commit(tasks.enqueue_webhooks)
            return
        wanted = Subscription(obj.destination, obj.settings, obj.sort)
        made = subscriptions.subscribe(obj.account, current_user(request), wanted)
        obj.pk = made.webhook.pk
        shown = gettext("Copy the signing secret now, it will not be shown again:")
        self.message_user(request, f"{shown} {made.secret}", messages.WARNING)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Return only the webhooks, which may have thousands of deliveries."""
        counts = {str(self.opts.verbose_name_plural): len(objs)}
        return [str(webhook) for webhook in objs], counts, set(), []

    # --- buttons and actions -------------------------------------------------

    def extra_context(self, request: HttpRequest, row: Webhook) -> dict[str, Any]:
        return {
            "buttons": webhook_states.buttons(row),
            "test": webhook_states.last_test(row),
        }

    def get_urls(self) -> list[URLPattern]:
        own = path(
            "<path:object_id>/last_test/",
            self.admin_site.admin_view(self.last_test),
            name="shortlinks_webhook_last_test",
        )
        return [own, *super().get_urls()]

    def last_test(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Return the result of the last test, which the browser polls."""
        context = {"test": webhook_states.last_test(self.row(request, object_id))}
        return render(request, "shortlinks/webhook_test.html", context)

    def send_test(self, request: HttpRequest, row: Webhook) -> ActionResult:
        events.enqueue_test(row)
        tasks.enqueue_webhooks()
        return done(gettext("A test is being sent. Its result appears below."))

    def pause(self, request: HttpRequest, row: Webhook) -> ActionResult:
        subscriptions.pause([row])
        return done(gettext("Paused. Events wait for up to 30 days."))

    def resume(self, request: HttpRequest, row: Webhook) -> ActionResult:
        result = subscriptions.resume([row])
        tasks.enqueue_webhooks()
        return done(webhook_states.resumed(result))

    @admin.action(description=_("Pause selected webhooks"), permissions=["change"])
    def pause_selected(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        chosen = list(queryset.filter(paused_at=None, disabled_at=None))
        count = {"count": subscriptions.pause(chosen)}
        self.log_action(request, chosen, gettext("Paused."))
        self.message_user(request, gettext("Webhooks paused: %(count)d.") % count)

    @admin.action(description=_("Resume selected webhooks"), permissions=["change"])
    def resume_selected(
        self, request: HttpRequest, queryset: QuerySet[Webhook]
    ) -> None:
        chosen = [row for row in queryset if "resume" in webhook_states.buttons(row)]
        result = subscriptions.resume(chosen)
        tasks.enqueue_webhooks()
        self.log_action(request, chosen, gettext("Resumed."))
        self.message_user(request, webhook_states.resumed_from_list(result))
