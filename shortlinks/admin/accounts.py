"""Accounts, their groups and their users."""

import zoneinfo
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.contrib.auth import models as auth_models
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Field
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminSelectWidget

from shortlinks.admin.base import (
    AccountScopedAdmin,
    Names,
    RowForm,
    is_administrator,
    is_operator,
)
from shortlinks.domain.links import redis_cache
from shortlinks.models import AccessLevel, Account, Group, User

# Departments are ours; Django's groups carry permissions that nothing here reads.
admin.site.unregister(auth_models.Group)


HELP = {
    "subdomain": _("What integrations know the account by."),
    "time_zone": _("Days are counted and times told in it: Europe/Moscow."),
    "country": _("Two letters, for integrations: RU."),
    "currency": _("Three letters, for integrations: RUB."),
    "address_mask": _("How much of a visitor's address is stored."),
}


def language_field() -> forms.ChoiceField:
    return forms.ChoiceField(
        label=capfirst(_("language")),
        choices=settings.LANGUAGES,
        widget=UnfoldAdminSelectWidget,
    )


class AccountForm(forms.ModelForm[Account]):
    language = language_field()

    def clean_time_zone(self) -> str:
        """A name nobody knows would stop the follow-up of the account's visits."""
        name: str = self.cleaned_data["time_zone"]
        if name not in zoneinfo.available_timezones():
            raise forms.ValidationError(_("There is no such time zone."))
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
                "description": _("What becomes a note, and what is not counted."),
                "fields": (
                    "note_window",
                    "suspect_policy",
                    "office_networks",
                    "forward_query",
                ),
            },
        ),
        (
            _("Recognising the client"),
            {
                "description": _("Whose browsers are known again, and what follows."),
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
    )
    list_display = ("name", "subdomain", "is_active", "created_at")
    search_fields = ("name", "subdomain")
    ordering = ("id",)

    def formfield_for_dbfield(
        self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> forms.Field | None:
        if db_field.name in HELP:
            kwargs["help_text"] = HELP[db_field.name]
        return super().formfield_for_dbfield(db_field, request, **kwargs)

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


class UserForm(RowForm[User], UserChangeForm):
    language = language_field()

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


class NewUserForm(RowForm[User], UserCreationForm):
    language = language_field()

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


# What fits a column.
LEVEL_FIELDS = {
    AccessLevel.ALL: _("all"),
    AccessLevel.GROUP: _("group"),
    AccessLevel.MINE: _("own"),
    AccessLevel.DENIED: _("none"),
}


class AccessLevelForm(forms.ModelForm[User]):
    """A row of the matrix: without a label of its own a select is any of many."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs["aria-label"] = f"{field.label}: {self.instance}"
            if isinstance(field, forms.TypedChoiceField):
                all_or_none = name == "contacts_add"
                offered = (
                    (AccessLevel.ALL, AccessLevel.DENIED)
                    if all_or_none
                    else LEVEL_FIELDS
                )
                field.choices = [
                    (right.value, LEVEL_FIELDS[right]) for right in offered
                ]


@admin.register(User)
class UserAdmin(AccountScopedAdmin[User], auth_admin.UserAdmin[User]):
    form = UserForm
    add_form = NewUserForm
    change_password_form = AdminPasswordChangeForm
    person = ("account", "email", "name", "language", "group", "is_active")
    levels = (
        "contacts_view",
        "contacts_edit",
        "contacts_add",
        "contacts_delete",
        "contacts_export",
    )
    readonly_fields = ("last_login", "created_at")
    # A matrix: a user's letters in his row, one column for each right.
    list_display = ("email", "name", "group", "is_admin", "is_active", *levels)
    list_editable = levels
    list_per_page = 25  # five selects in a row cost their time
    list_filter = ("is_admin", "is_active")
    list_select_related = ("group",)
    filter_horizontal = ()
    autocomplete_fields = ("group",)
    search_fields = ("email", "name")
    ordering = ("email",)

    def get_changelist_form(
        self, request: HttpRequest, **kwargs: Any
    ) -> type[forms.ModelForm[User]]:
        return super().get_changelist_form(request, form=AccessLevelForm, **kwargs)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_administrator(request)

    def has_change_permission(
        self, request: HttpRequest, obj: User | None = None
    ) -> bool:
        """An operator's password in an administrator's hands would make two of them."""
        if obj is not None and obj.is_superuser:
            return is_operator(request)
        return is_administrator(request)

    def save_model(
        self, request: HttpRequest, obj: User, form: Any, change: Any
    ) -> None:
        """The matrix has the rows of operators, too."""
        if change and not self.has_change_permission(request, obj):
            raise PermissionDenied
        super().save_model(request, obj, form, change)

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        roles = ("is_admin", "is_superuser") if is_operator(request) else ("is_admin",)
        return (
            (None, {"fields": self.person}),
            (_("Password"), {"fields": self._password_fields(request, obj)}),
            (_("Rights"), {"fields": (*roles, *self.levels)}),
            *([(_("Dates"), {"fields": self.readonly_fields})] if obj else []),
        )

    def _password_fields(self, request: HttpRequest, obj: User | None) -> Names:
        if obj is None:
            return ("usable_password", "password1", "password2")
        return ("password",) if self.has_change_permission(request, obj) else ()

    def formfield_for_choice_field(
        self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> forms.TypedChoiceField | None:
        if db_field.name == "contacts_add":
            all_or_none = (AccessLevel.ALL, AccessLevel.DENIED)
            kwargs["choices"] = [
                (right.value, gettext(right.label)) for right in all_or_none
            ]
        return super().formfield_for_choice_field(db_field, request, **kwargs)
