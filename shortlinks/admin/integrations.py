"""Admin page for integrations, whose secrets are shown once."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminURLInputWidget

from shortlinks.admin import scope_fields, submissions
from shortlinks.admin.base import Names, current_user, is_administrator
from shortlinks.admin.contact_comparison import moment
from shortlinks.admin.forms import AdminForm
from shortlinks.admin.row_actions import ActionResult, RowActionAdmin, done
from shortlinks.domain.auth import client_secrets, oauth
from shortlinks.models import ApiToken, Integration, OAuthFamily
from shortlinks.models.tokens import default_scopes

SHOWN_AUTHORIZATIONS = 10


class NewIntegrationForm(AdminForm[Integration]):
    scopes = scope_fields.field()
    redirect_uri = forms.URLField(
        label=capfirst(_("redirect URI")),
        max_length=2048,
        assume_scheme="https",
        widget=UnfoldAdminURLInputWidget,
    )


@admin.register(Integration)
class IntegrationAdmin(RowActionAdmin[Integration]):
    asks_to_sign_in_again = True
    form = NewIntegrationForm
    change_form_template = "admin/shortlinks/row_actions.html"
    list_display = ("name", "client_id", "redirect_uri", "created_at")
    search_fields = ("name",)
    ordering = ("-id",)
    actions = ("authorize",)
    row_actions: ClassVar[Names] = ("renew_secret", "end_old_secrets")

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Integration | None:
        """Compute two columns in advance: unfold reads each column four times."""
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            vars(row)["_old_secrets"] = client_secrets.old_valid_until(row)
            vars(row)["_authorizations"] = _authorizations(row)
        return row

    def has_add_permission(self, request: HttpRequest) -> bool:
        return (
            is_administrator(request) and current_user(request).account_id is not None
        )

    def has_delete_permission(
        self, request: HttpRequest, obj: Integration | None = None
    ) -> bool:
        return is_administrator(request)

    @admin.display(description=_("old secrets work until"), empty_value="-")
    def old_secrets(self, row: Integration) -> datetime | None:
        found: datetime | None = vars(row)["_old_secrets"]
        return found

    @admin.display(description=_("authorizations"))
    def authorizations(self, row: Integration) -> str:
        found: str = vars(row)["_authorizations"]
        return found

    @admin.display(description=_("scopes"))
    def allowed(self, row: Integration) -> str:
        return scope_fields.labels(row.scopes)

    def has_authorize_permission(self, request: HttpRequest) -> bool:
        return is_administrator(request)

    def has_action_permission(self, request: HttpRequest, row: Integration) -> bool:
        return is_administrator(request)

    def get_fields(self, request: HttpRequest, obj: Integration | None = None) -> Names:
        if obj is None:
            return ("name", "redirect_uri", "scopes")
        more = ("allowed", "old_secrets", "authorizations")
        return ("account", *self.list_display, *more)

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

    # --- buttons -------------------------------------------------------------

    def extra_context(self, request: HttpRequest, row: Integration) -> dict[str, Any]:
        buttons = {"renew_secret": gettext("Renew the secret")}
        if self.old_secrets(row) is not None:
            buttons["end_old_secrets"] = gettext("End the old secret now")
        return {"buttons": buttons}

    def _view(self, step: str) -> Callable[..., HttpResponse]:
        """Run the action once, so that a double click renews only one secret."""
        view = super()._view(step)

        def once(request: HttpRequest, object_id: str) -> HttpResponse:
            return submissions.once(request, lambda: view(request, object_id))

        return once

    def renew_secret(self, request: HttpRequest, row: Integration) -> ActionResult:
        secret = client_secrets.renew(row, by=current_user(request))
        shown = gettext("Copy the new secret now, it will not be shown again:")
        self.message_user(request, f"{shown} {secret}", messages.WARNING)
        values = {"time": moment(client_secrets.old_valid_until(row))}
        text = gettext("Secret renewed. The old one works until %(time)s.")
        return done(text % values)

    def end_old_secrets(self, request: HttpRequest, row: Integration) -> ActionResult:
        client_secrets.end_old(row, by=current_user(request))
        return done(gettext("Only the newest secret works now."))


def _authorizations(row: Integration) -> str:
    """Return the users for whom the integration has tokens, last refreshed first."""
    valid = row.families.filter(ended_at=None, expires_at__gt=timezone.now())
    newest = valid.select_related("user").order_by("-refreshed_at")
    texts = (_authorization(each) for each in newest[:SHOWN_AUTHORIZATIONS])
    return format_html_join("", "<div>{}</div>", ((text,) for text in texts)) or "-"


def _authorization(family: OAuthFamily) -> str:
    values = {
        "user": family.user,
        "refreshed": moment(family.refreshed_at),
        "expires": moment(family.expires_at),
    }
    text = gettext("%(user)s: last refreshed %(refreshed)s, expires %(expires)s")
    return text % values
