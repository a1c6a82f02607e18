"""Base classes of the pages: visible rows by role, read-only by default."""

from collections.abc import Iterable, Sequence
from enum import Enum, auto
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django import forms
from django.contrib import admin
from django.contrib.admin import widgets
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import Field, ForeignKey, IntegerField, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold import admin as unfold

from shortlinks.admin import contact_comparison, search, submissions
from shortlinks.admin.forms import AdminForm
from shortlinks.admin.keyset import CountedList, KeysetList
from shortlinks.admin.sign_in import recent_sign_in
from shortlinks.domain import integers
from shortlinks.domain.postgres import queries
from shortlinks.domain.quotas import QuotaReached
from shortlinks.models import Contact, Group, User

Row = TypeVar("Row", bound=Model)
Names = tuple[str, ...]
# Users with more visible contacts get scan limits, see docs/admin.md.
MAX_CONTACTS = 5000
LOOKUPS = ("exact", "id__exact", "isnull")  # that list filters use

if TYPE_CHECKING:
    Styled = admin.ModelAdmin  # unfold's class is not generic
else:
    Styled = unfold.ModelAdmin


class Role(Enum):
    OPERATOR = auto()
    ADMINISTRATOR = auto()
    MANAGER = auto()
    NOBODY = auto()


def role_of(user: User | AnonymousUser) -> Role:
    if not isinstance(user, User) or not user.is_active:
        return Role.NOBODY
    if user.is_superuser:
        return Role.OPERATOR
    return Role.ADMINISTRATOR if user.is_admin else Role.MANAGER


def is_operator(request: HttpRequest) -> bool:
    return role_of(request.user) is Role.OPERATOR


def is_administrator(request: HttpRequest) -> bool:
    return role_of(request.user) in (Role.OPERATOR, Role.ADMINISTRATOR)


def current_user(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


class AutocompleteSelect(widgets.AutocompleteSelect):
    """A select that ignores values other than ids; the form rejects them later."""

    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> Any:
        ids = [text for text in value if integers.from_text(str(text)) is not None]
        return super().optgroups(name, ids, attr)


class RowForm(AdminForm[Row]):
    """A form that accepts only users and groups of the row's account."""

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        account = data.get("account")
        account_id = account.id if account else getattr(self.instance, "account_id", 0)
        for name, value in list(data.items()):
            if isinstance(value, User | Group) and value.account_id != account_id:
                text = _("This belongs to another account. Choose one of its own.")
                self.add_error(name, text)
        return data


class AccountScopedAdmin(Styled[Row]):
    """Pages that show operators all rows, administrators those of their account.

    Managers see the rows of their contacts. Other rows are not in the query, so every
    page treats them as missing. Subclasses allow adding, changing and deleting.
    """

    form: type[forms.ModelForm[Row]] = AdminForm
    account_path: ClassVar[str] = "account_id"
    # From the row to its contact; managers see no rows without one.
    contact_path: ClassVar[str] = ""
    # Whether adding, changing and actions need a recent sign-in.
    asks_to_sign_in_again: ClassVar[bool] = False
    # Filters (parameter, value) that have their own index.
    indexed_filters: ClassVar[tuple[tuple[str, str], ...]] = ()
    list_per_page = 50  # a page of 100 takes 0.2 s of CPU time
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_select_related: ClassVar[Names] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Row]:
        rows = super().get_queryset(request)
        user = current_user(request)
        role = role_of(user)
        if role is Role.OPERATOR:
            return rows
        if role is Role.ADMINISTRATOR:
            return rows.filter(**{self._account_path(): user.account_id})
        if role is Role.MANAGER and self.contact_path:
            readable = Contact.objects.visible_including_merged(user)
            return rows.filter(**{f"{self.contact_path}__in": readable})
        return rows.none()

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Row | None:
        """Lock a row that is being changed, and read it again under the lock."""
        row: Row | None = super().get_object(request, object_id, from_field)
        if row is None or request.method != "POST" or not connection.in_atomic_block:
            return row
        self.lock(row)
        return super().get_object(request, object_id, from_field)

    def lock(self, row: Row) -> None:
        """Lock the rows of the same model that a change of this row may write."""
        rows = type(row)._default_manager.filter(pk=row.pk)
        queries.lock_rows(rows, no_key=True)

    def _account_path(self) -> str:
        """Prefer the path through the contact, whose account has an index."""
        by_contact = self.contact_path not in ("", "pk")
        return f"{self.contact_path}__account_id" if by_contact else self.account_path

    def needs_scan_limit(self, request: HttpRequest) -> bool:
        """Return whether a page may scan only a limited number of rows."""
        if any(request.GET.get(name) == value for name, value in self.indexed_filters):
            return False
        user = current_user(request)
        if not self.contact_path or role_of(user) is Role.OPERATOR:
            return True
        contacts = Contact.objects.visible_including_merged(user)
        if is_administrator(request):
            contacts = Contact.objects.filter(account=user.account_id)
        return contacts[: MAX_CONTACTS + 1].count() > MAX_CONTACTS

    def get_field_queryset(
        self, db: str | None, db_field: Any, request: HttpRequest
    ) -> QuerySet[Any]:
        """Offer and accept only the rows that the user may view."""
        chosen = self.admin_site.get_model_admin(db_field.related_model)
        return chosen.get_queryset(request)

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> forms.ModelChoiceField[Any] | None:
        if db_field.name == "account" and not is_operator(request):
            kwargs["empty_label"] = None
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs["widget"] = AutocompleteSelect(db_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Default to the user's account; operators may choose another."""
        own = {"account": current_user(request).account_id}
        return {**own, **super().get_changeform_initial_data(request)}

    def get_form(
        self,
        request: HttpRequest,
        obj: Row | None = None,
        change: bool = False,  # noqa: FBT001, FBT002 - Django's signature
        **kwargs: Any,
    ) -> type[forms.ModelForm[Row]]:
        """Disable the account field of an existing row, but keep it for constraints."""
        form = super().get_form(request, obj, change=change, **kwargs)
        if obj is not None and "account" in form.base_fields:
            form.base_fields["account"].disabled = True
        return form

    @admin.display(description=_("contact"), ordering="contact__name")
    def contact_link(self, row: Row) -> str:
        contact: Contact = getattr(row, "contact").root  # noqa: B009  only some models have it
        if contact.erased_at:  # it has no page
            return str(contact)
        address = contact_comparison.address(contact)
        return format_html('<a href="{}">{}</a>', address, contact)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Row], search_term: str
    ) -> tuple[QuerySet[Row], bool]:
        fields = tuple(self.get_search_fields(request))
        if not fields:
            return queryset, False
        return queryset.filter(search.matching(search_term, fields)), False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[Any]:
        """Page long lists, which are ordered by id, by id."""
        return KeysetList if self._is_keyset() else CountedList

    def get_sortable_by(self, request: HttpRequest) -> Any:
        return () if self._is_keyset() else super().get_sortable_by(request)

    def _is_keyset(self) -> bool:
        return tuple(self.ordering or ()) == ("-id",)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Use the plural as the title: "Select note to change" has no good Russian."""
        if self.asks_to_sign_in_again and request.method == "POST":
            recent_sign_in.require(request)
        selected = request.POST.getlist(ACTION_CHECKBOX_NAME)
        if not all(_is_key(self.opts.pk, text) for text in selected):
            raise BadRequest("A selected row has no valid id.")
        title = {"title": capfirst(self.opts.verbose_name_plural)}
        context = {**title, **(extra_context or {})}
        if not (request.method == "POST" and "_save" in request.POST):
            return super().changelist_view(request, context)
        with transaction.atomic():
            return super().changelist_view(request, context)

    def get_changelist_formset(self, request: HttpRequest, **options: Any) -> Any:
        """Build no more forms than a page has rows, whatever the body asks for."""
        rows = max(self.list_per_page, self.list_max_show_all)
        options |= {"max_num": rows, "absolute_max": rows}
        return super().get_changelist_formset(request, **options)

    def _get_list_editable_queryset(
        self, request: HttpRequest, prefix: str
    ) -> QuerySet[Row]:
        """Lock the rows that a list changes; Django has no public hook."""
        rows: QuerySet[Row] = super()._get_list_editable_queryset(request, prefix)
        queries.lock_rows(rows, no_key=True)
        return rows

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Create one row for each form, even if it is sent twice.

        The delete link is in `overrides/admin/submit_line.html`.
        """
        is_form = object_id is None or self.has_change_permission(request)
        if self.asks_to_sign_in_again and is_form:
            recent_sign_in.require(request)
        token = {submissions.FIELD: submissions.token(request)}
        extra = {"show_delete": False, **token, **(extra_context or {})}
        view = partial(super().changeform_view, request, object_id, form_url, extra)
        if request.method != "POST":
            return view()
        if object_id is None:
            view = partial(submissions.once, request, view, is_accepted=_is_accepted)
        try:
            return view()
        except (IntegrityError, QuotaReached):
            # Another request has just stored the same row or filled the quota. The form
            # now reports it.
            return view()

    # --- account column and filter for operators -----------------------------

    def get_list_display(self, request: HttpRequest) -> tuple[Any, ...]:
        return (*self.list_display, *self._account_column(request))

    def get_list_filter(self, request: HttpRequest) -> tuple[Any, ...]:
        return (*self.list_filter, *self._account_column(request))

    def get_list_select_related(self, request: HttpRequest) -> Names:
        return (*self.list_select_related, *self._account_column(request))

    def _account_column(self, request: HttpRequest) -> Names:
        shown = is_operator(request) and self.account_path == "account_id"
        return ("account",) if shown else ()

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow the list's own filters only: `?code__startswith=` would leak codes."""
        allowed: set[str] = set()
        for item in self.get_list_filter(request):
            name = item if isinstance(item, str) else item.parameter_name
            allowed |= {name, *(f"{name}__{how}" for how in LOOKUPS)}
        return lookup in allowed

    # --- permissions; User.has_perm covers operators only --------------------

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        if self.contact_path:
            return role_of(request.user) is not Role.NOBODY
        return is_administrator(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: Row | None = None
    ) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: Row | None = None
    ) -> bool:
        return False

    # --- history -------------------------------------------------------------

    def history_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show managers only their own actions, because other entries name users."""
        extra = dict(extra_context or {})
        if not is_administrator(request):
            own = LogEntry.objects.filter(
                user=current_user(request),
                object_id=object_id,
                content_type__app_label=self.opts.app_label,
                content_type__model=self.opts.model_name,
            ).order_by("action_time")
            page = self.get_paginator(request, own, 100).get_page(1)
            extra |= {"action_list": page, "pagination_required": False}
        return super().history_view(request, object_id, extra)

    def log_action(
        self, request: HttpRequest, rows: Iterable[Row], message: str
    ) -> None:
        LogEntry.objects.log_actions(current_user(request).pk, rows, CHANGE, message)


def _is_accepted(response: HttpResponse) -> bool:
    """Return False for a form with errors, and True for a popup that closes."""
    return "adminform" not in (getattr(response, "context_data", None) or {})


def _is_key(pk: "Field[Any, Any]", text: str) -> bool:
    """Return whether a row could have this id."""
    if isinstance(pk, IntegerField):
        return integers.from_text(text) is not None
    try:
        return pk.to_python(text) is not None
    except ValidationError:
        return False
