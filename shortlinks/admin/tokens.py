"""Admin page for API tokens, which are shown once."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from shortlinks.admin import onboarding, scope_fields
from shortlinks.admin.base import (
    AccountScopedAdmin,
    Names,
    is_administrator,
    is_operator,
)
from shortlinks.admin.forms import AdminForm
from shortlinks.domain.auth import oauth, tokens
from shortlinks.models import ApiToken
from shortlinks.models.tokens import default_scopes

MAX_TTL = timedelta(days=3650)
SHOWN_NETWORKS = 3


class NewTokenForm(AdminForm[ApiToken]):
    scopes = scope_fields.field()

    def clean_expires_at(self) -> datetime:
        expires_at: datetime = self.cleaned_data["expires_at"]
        now = timezone.now()
        if not now < expires_at <= now + MAX_TTL:
            raise forms.ValidationError(_("Choose a time within the next ten years."))
        return expires_at


@admin.register(ApiToken)
class ApiTokenAdmin(AccountScopedAdmin[ApiToken]):
    asks_to_sign_in_again = True
    form = NewTokenForm
    list_display = (
        "name",
        "user",
        "integration",
        "created_at",
        "expires_at",
        "last_used_at",
        "last_networks",
        "revoked_at",
    )
    list_select_related = ("user", "integration")
    autocomplete_fields = ("user",)
    search_fields = ("name", "user__email")
    ordering = ("-id",)
    actions = ("revoke",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_administrator(request)

    @admin.display(description=_("networks"))
    def last_networks(self, row: ApiToken) -> str:
        """Return the last networks that were new, the newest first."""
        return ", ".join(row.networks[:SHOWN_NETWORKS])

    @admin.display(description=_("all networks"))
    def all_networks(self, row: ApiToken) -> str:
        return ", ".join(row.networks)

    @admin.display(description=_("scopes"))
    def allowed(self, row: ApiToken) -> str:
        return scope_fields.labels(row.scopes)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return is_administrator(request)

    def get_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> Names:
        if obj is None:
            own = ("rate",) if is_operator(request) else ()
            return ("user", "name", "scopes", "expires_at", *own)
        shown = [name for name in self.list_display if name != "last_networks"]
        more = ("all_networks", "owner_warned_at", "allowed", "rate")
        return ("account", *shown, *more)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {
            "scopes": default_scopes(),
            "expires_at": timezone.now() + tokens.DEFAULT_TTL,
            **super().get_changeform_initial_data(request),
        }

    def get_field_queryset(
        self, db: str | None, db_field: Any, request: HttpRequest
    ) -> QuerySet[Any]:
        """Offer active users with an account, and operators only to operators."""
        users = super().get_field_queryset(db, db_field, request)
        users = users.filter(is_active=True, account__isnull=False)
        return users if is_operator(request) else users.filter(is_superuser=False)

    def save_model(
        self, request: HttpRequest, obj: ApiToken, form: Any, change: object
    ) -> None:
        issued = tokens.issue(
            obj.user,
            name=obj.name,
            life=obj.expires_at - timezone.now().replace(microsecond=0),
            scopes=obj.scopes,
        )
        if obj.rate is not None:
            tokens.set_rate_limit(issued.row, obj.rate)
        obj.pk = issued.row.pk
        shown = gettext("Copy the token now, it will not be shown again:")
        self.message_user(request, f"{shown} {issued.text}", messages.WARNING)

    def response_add(
        self, request: HttpRequest, obj: ApiToken, post_url_continue: str | None = None
    ) -> HttpResponse:
        response = super().response_add(request, obj, post_url_continue)
        return onboarding.redirect_to_next(request, response)

    @admin.action(description=_("Revoke selected tokens"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        live = list(queryset.filter(revoked_at=None))
        oauth.revoke_tokens(live)
        self.log_action(request, live, gettext("Revoked."))
        count = {"count": len(live)}
        self.message_user(request, gettext("Tokens revoked: %(count)d.") % count)
