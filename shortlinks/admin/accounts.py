"""Admin pages for accounts, groups and users."""

import copy
import zoneinfo
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth import models as auth_models
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Field, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldBooleanSwitchWidget

from shortlinks.admin import retention_outlook
from shortlinks.admin.base import (
    AccountScopedAdmin,
    Names,
    RowForm,
    current_user,
    is_administrator,
    is_operator,
)
from shortlinks.admin.forms import AdminForm
from shortlinks.domain.auth import (
    invitations,
    second_factors,
    security_events,
    sessions,
)
from shortlinks.domain.links import redis_cache
from shortlinks.domain.personal_data import retention
from shortlinks.models import AccessLevel, Account, Group, SecurityEventKind, User
from shortlinks.models import retention as retention_fields

# Replaced by our own groups; nothing reads the permissions of Django's.
admin.site.unregister(auth_models.Group)


HELP = {
    "subdomain": _("Identifies the account in integrations."),
    "time_zone": _("Used for all dates and daily totals. For example Europe/Moscow."),
    "country": _("Two-letter code for integrations. For example RU."),
    "currency": _("Three-letter code for integrations. For example RUB."),
    "address_mask": _(
        "How much of a visitor's IP address is stored. If nothing is stored, scanners"
        " are not recognized by their networks."
    ),
}


def language_field() -> forms.ChoiceField:
    return forms.ChoiceField(
        label=capfirst(_("language")),
        choices=settings.LANGUAGES,
        widget=UnfoldAdminSelectWidget,
    )


class AccountForm(AdminForm[Account]):
    language = language_field()
    confirms_deletion = forms.BooleanField(
        label=_("delete older rows for good"),
        help_text=_("Needed if you choose a shorter period."),
        widget=UnfoldBooleanSwitchWidget,
        required=False,
    )

    def clean(self) -> dict[str, Any]:
        """Require the user to confirm what a shorter period deletes."""
        data = super().clean()
        before = Account.objects.filter(pk=self.instance.pk).first()
        if before is None or data.get("confirms_deletion") or self.errors:
            return data
        after = copy.copy(before)
        for name in retention_fields.FIELDS:
            setattr(after, name, data.get(name))
        for line in retention_outlook.lines(retention.shortened(before, after)):
            text = _("%(what)s older than %(period)s: %(count)s. Confirm the deletion.")
            facts = {"what": line.what, "period": line.period, "count": line.next}
            self.add_error("confirms_deletion", ValidationError(text, params=facts))
        return data

    def clean_time_zone(self) -> str:
        """Reject unknown names, which would stop the processing of visits."""
        name: str = self.cleaned_data["time_zone"]
        if name not in zoneinfo.available_timezones():
            raise forms.ValidationError(
                _("Unknown time zone. Enter a name such as Europe/Moscow.")
            )
        return name


@admin.register(Account)
class AccountAdmin(AccountScopedAdmin[Account]):
    account_path = "id"
    form = AccountForm
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "name",
                    "subdomain",
                    "is_active",
                    "language",
                    "time_zone",
                    "country",
                    "currency",
                )
            },
        ),
        (
            _("Opens and notes"),
            {
                "description": _("Which visits count as opens and create notes."),
                "fields": (
                    "note_window",
                    "suspect_policy",
                    "office_networks",
                    "forward_query",
                ),
            },
        ),
        (
            _("Browser recognition"),
            {
                "description": _(
                    "Which browsers are recognized, and when contacts are merged."
                ),
                "fields": (
                    "pixel_mode",
                    "respect_gpc",
                    "address_mask",
                    "merge_mode",
                    "max_browsers_per_link",
                    "max_browsers_per_contact",
                ),
            },
        ),
        (
            _("Retention"),
            {
                "description": _(
                    "After which time rows are deleted. Without a choice, the default"
                    " of the service applies. The table below shows what goes next."
                ),
                "fields": (*retention_fields.FIELDS, "confirms_deletion"),
            },
        ),
    )
    change_form_outer_after_template = "shortlinks/retention.html"
    list_display = ("name", "subdomain", "is_active", "created_at")
    search_fields = ("name", "subdomain")
    ordering = ("id",)

    def formfield_for_dbfield(
        self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> forms.Field | None:
        if db_field.name in HELP:
            kwargs["help_text"] = HELP[db_field.name]
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        *args: Any,
        **kwargs: Any,
    ) -> HttpResponse:
        """Count expiring rows by the stored periods, not those of an invalid form."""
        account: Account | None = kwargs.get("obj")
        if account is not None and request.method == "POST":
            account = Account.objects.get(pk=account.pk)
        if account is not None:
            context["retention"] = retention_outlook.of(account)
        return super().render_change_form(request, context, *args, **kwargs)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_operator(request)

    def has_change_permission(
        self, request: HttpRequest, obj: Account | None = None
    ) -> bool:
        return is_administrator(request)

    def get_readonly_fields(
        self, request: HttpRequest, obj: Account | None = None
    ) -> Names:
        return () if is_operator(request) else ("subdomain", "is_active")

    def save_model(
        self, request: HttpRequest, obj: Account, form: object, change: object
    ) -> None:
        super().save_model(request, obj, form, change)
        if not obj.is_active:
            sessions.end_all_of_account(obj)
        transaction.on_commit(lambda: redis_cache.refresh_account(obj))


@admin.register(Group)
class GroupAdmin(AccountScopedAdmin[Group]):
    fields = ("account", "name")
    list_display = ("name",)
    search_fields = ("name",)
    ordering = ("name", "id")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_administrator(request)

    def has_change_permission(
        self, request: HttpRequest, obj: Group | None = None
    ) -> bool:
        return is_administrator(request)

    def has_delete_permission(
        self, request: HttpRequest, obj: Group | None = None
    ) -> bool:
        return is_administrator(request)


class UserForm(RowForm[User]):
    language = language_field()

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


MAX_CHOSEN = 100  # users of one action, which may send an e-mail to each
LEVELS = (
    "contacts_view",
    "contacts_edit",
    "contacts_add",
    "contacts_delete",
    "contacts_export",
)
RIGHTS = frozenset({"is_active", "is_admin", "is_superuser", "group", *LEVELS})
ALL_OR_NONE = [
    (level.value, level.label) for level in (AccessLevel.ALL, AccessLevel.DENIED)
]


class AccessLevelForm(AdminForm[User]):
    """A row of the permission matrix; each select names its column and its user."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["aria-label"] = f"{field.label}: {self.instance}"


@admin.register(User)
class UserAdmin(AccountScopedAdmin[User]):
    """Users are invited by e-mail. Nobody but themselves knows their passwords."""

    form = UserForm
    asks_to_sign_in_again = True
    person = ("account", "email", "name", "language", "group", "is_active")
    readonly_fields = ("last_login", "created_at", "factors")
    list_display = ("email", "name", "group", "is_admin", "is_active", *LEVELS)
    list_editable = LEVELS
    list_per_page = 25  # five selects a row are slow to render
    list_filter = ("is_admin", "is_active")
    list_select_related = ("group",)
    autocomplete_fields = ("group",)
    search_fields = ("email", "name")
    ordering = ("email",)
    actions = ("send_password_link", "remove_factors", "end_sessions")

    def get_changelist_form(
        self, request: HttpRequest, **kwargs: Any
    ) -> type[forms.ModelForm[User]]:
        return super().get_changelist_form(request, form=AccessLevelForm, **kwargs)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_administrator(request)

    def has_change_permission(
        self, request: HttpRequest, obj: User | None = None
    ) -> bool:
        """Let only operators change operators: no administrator may take one over."""
        if obj is not None and obj.is_superuser:
            return is_operator(request)
        return is_administrator(request)

    def save_model(
        self, request: HttpRequest, obj: User, form: Any, change: Any
    ) -> None:
        """Check again, because the matrix can post rows of operators."""
        if change and not self.has_change_permission(request, obj):
            raise PermissionDenied
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)
        if change and form.changed_data:
            self._record_change(obj, form.changed_data)
            if not obj.is_active:
                sessions.end_all(obj)
        elif not change:
            transaction.on_commit(lambda: self._invite(request, [obj]))

    def _record_change(self, user: User, names: Sequence[str]) -> None:
        changed = [name for name in names if name in RIGHTS]
        if changed:
            kind = SecurityEventKind.RIGHTS_CHANGED
            security_events.record(kind, user=user, detail=", ".join(changed))

    def _invite(self, request: HttpRequest, users: Iterable[User]) -> None:
        by = current_user(request)
        refused = [user.email for user in users if not invitations.send(user, by)]
        if refused:
            text = gettext("No e-mail could be sent to %(to)s.")
            self.message_user(
                request, text % {"to": ", ".join(refused)}, messages.ERROR
            )
        else:
            self.message_user(request, gettext("An e-mail with a link was sent."))

    @admin.action(
        description=_("Send a link for a new password"), permissions=["change"]
    )
    def send_password_link(
        self, request: HttpRequest, queryset: QuerySet[User]
    ) -> None:
        self._invite(request, self._changeable(request, queryset))

    @admin.action(
        description=_("Remove second factors (lost phone)"), permissions=["change"]
    )
    def remove_factors(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in self._changeable(request, queryset):
            if second_factors.remove_all(user):
                self.log_action(request, [user], gettext("Second factors removed."))
        self.message_user(request, gettext("Second factors removed."))

    @admin.action(description=_("End all sessions"), permissions=["change"])
    def end_sessions(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in self._changeable(request, queryset):
            sessions.end_all(user)
        self.message_user(request, gettext("Sessions ended."))

    def _changeable(
        self, request: HttpRequest, users: QuerySet[User]
    ) -> Iterator[User]:
        for user in users.select_related("account")[:MAX_CHOSEN]:
            if not self.has_change_permission(request, user):
                raise PermissionDenied
            yield user

    @admin.display(description=_("second factors"))
    def factors(self, user: User) -> str:
        return ", ".join(second_factors.names(user)) or "—"

    def response_change(self, request: HttpRequest, obj: User) -> HttpResponse:
        """Confirm in the language that users have just chosen for themselves."""
        if obj != request.user:
            return super().response_change(request, obj)
        with translation.override(obj.language):
            return super().response_change(request, obj)

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        roles = ("is_admin", "is_superuser") if is_operator(request) else ("is_admin",)
        return (
            (None, {"fields": self.person}),
            (_("Permissions"), {"fields": (*roles, *LEVELS)}),
            *([(_("Sign-in"), {"fields": self.readonly_fields})] if obj else []),
        )

    def formfield_for_choice_field(
        self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> forms.TypedChoiceField | None:
        if db_field.name == "contacts_add":
            kwargs["choices"] = ALL_OR_NONE
        return super().formfield_for_choice_field(db_field, request, **kwargs)
