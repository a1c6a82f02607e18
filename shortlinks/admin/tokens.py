"""Admin pages for API tokens and integrations, whose secrets are shown once."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminURLInputWidget,
)

from shortlinks.admin import onboarding
from shortlinks.admin.base import (
    AccountScopedAdmin,
    Names,
    current_user,
    is_administrator,
    is_operator,
)
from shortlinks.admin.forms import AdminForm
from shortlinks.domain.auth import oauth, tokens
from shortlinks.models import ApiToken, Integration, Scope
from shortlinks.models.tokens import default_scopes

MAX_TTL = timedelta(days=3650)


def _show_once(scopes: Iterable[str]) -> str:
    return ", ".join(str(Scope(scope).label) for scope in scopes)


def _scopes() -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=capfirst(_("scopes")),
        choices=Scope.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )


class NewTokenForm(AdminForm[ApiToken]):
    scopes = _scopes()

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
        "revoked_at",
    )
    list_select_related = ("user", "integration")
    autocomplete_fields = ("user",)
    search_fields = ("name", "user__email")
    ordering = ("-id",)
    actions = ("revoke",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_administrator(request)

    @admin.display(description=_("scopes"))
    def allowed(self, row: ApiToken) -> str:
        return _show_once(row.scopes)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return is_administrator(request)

    def get_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> Names:
        if obj is None:
            own = ("rate",) if is_operator(request) else ()
            return ("user", "name", "scopes", "expires_at", *own)
        return ("account", *self.list_display, "allowed", "rate")

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
        tokens.revoke(live)
        self.log_action(request, live, gettext("Revoked."))
        count = {"count": len(live)}
        self.message_user(request, gettext("Tokens revoked: %(count)d.") % count)


class NewIntegrationForm(AdminForm[Integration]):
    scopes = _scopes()
    redirect_uri = forms.URLField(
        label=capfirst(_("redirect URI")),
        max_length=2048,
        assume_scheme="https",
        widget=UnfoldAdminURLInputWidget,
    )


@admin.register(Integration)
class IntegrationAdmin(AccountScopedAdmin[Integration]):
    asks_to_sign_in_again = True
    form = NewIntegrationForm
    list_display = ("name", "client_id", "redirect_uri", "created_at")
    search_fields = ("name",)
    ordering = ("-id",)
    actions = ("authorize",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return (
            is_administrator(request) and current_user(request).account_id is not None
        )

    def has_delete_permission(
        self, request: HttpRequest, obj: Integration | None = None
    ) -> bool:
        return is_administrator(request)

    @admin.display(description=_("scopes"))
    def allowed(self, row: Integration) -> str:
        return _show_once(row.scopes)

    def has_authorize_permission(self, request: HttpRequest) -> bool:
        return is_administrator(request)

    def get_fields(self, request: HttpRequest, obj: Integration | None = None) -> Names:
        if obj is None:
            return ("name", "redirect_uri", "scopes")
        return ("account", *self.list_display, "allowed")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        own = super().get_changeform_initial_data(request)
        return {"scopes": default_scopes(), **own}

    def save_model(
        self, request: HttpRequest, obj: Integration, form: Any, change: object
    ) -> None:
        registered = oauth.register(
            user=current_user(request),
            name=obj.name,
            redirect_uri=obj.redirect_uri,
            scopes=obj.scopes,
        )
        obj.pk = registered.integration.pk
        text = gettext(
            "Client ID: %(id)s. Copy the secret now, it will not be shown again:"
            " %(secret)s"
        )
        keys = {"id": registered.integration.client_id, "secret": registered.secret}
        self.message_user(request, text % keys, messages.WARNING)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Delete tokens with their integration, though they cannot be deleted alone."""
        listed, counts, lacking, protected = super().get_deleted_objects(objs, request)
        lacking.discard(str(ApiToken._meta.verbose_name))
        return listed, counts, lacking, protected

    @admin.action(
        description=_("Show a new authorization code (20 minutes)"),
        permissions=["authorize"],
    )
    def authorize(self, request: HttpRequest, queryset: QuerySet[Integration]) -> None:
        """Create a code for the user, who must belong to the integration's account."""
        user = current_user(request)
        chosen = list(queryset)
        if len(chosen) != 1 or chosen[0].account_id != user.account_id:
            text = gettext("Choose one integration of your own account.")
            self.message_user(request, text, messages.ERROR)
            return
        code = oauth.authorize(chosen[0], user)
        self.log_action(request, chosen, gettext("Authorization code shown."))
        shown = gettext("Copy the code now. It works once, within 20 minutes:")
        self.message_user(request, f"{shown} {code}", messages.WARNING)
