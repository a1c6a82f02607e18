"""Admin pages for contacts, restricted by access levels."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import SEARCH_VAR
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from shortlinks.admin import (
    contact_comparison,
    onboarding,
    personal_data,
    short_link_tools,
    timeline,
)
from shortlinks.admin.base import (
    AccountScopedAdmin,
    Names,
    RowForm,
    current_user,
    is_administrator,
)
from shortlinks.domain import erased_identities, integers, quotas
from shortlinks.domain.auth import permissions
from shortlinks.domain.contacts import contacts, tracking_consent
from shortlinks.domain.contacts.tracking_consent import ConsentAnswer
from shortlinks.domain.imports import consent_columns, contact_import
from shortlinks.domain.postgres import queries
from shortlinks.models import (
    AccessLevel,
    Account,
    ConsentChannel,
    ConsentRecord,
    Contact,
)
from shortlinks.models.consents import MAX_SOURCE_LENGTH, MAX_TEXT_VERSION_LENGTH

NAMES = ("name", "first_name", "last_name")
TIMES = ("created_at", "updated_at")
CONSENT_DETAILS = ("consent_source", "consent_text_version")


class IdField(forms.IntegerField):
    """An integer field that accepts digits only; Django's also accepts "1_0"."""

    def to_python(self, value: Any) -> int | None:
        text = str(value or "").strip()
        if not text:
            return None
        id_ = integers.from_text(text)
        if id_ is None:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return id_


class ContactForm(RowForm[Contact]):
    entity_id = IdField(
        label=capfirst(_("CRM ID")),
        widget=UnfoldAdminIntegerFieldWidget,
        min_value=1,
        max_value=integers.MAX_ID,
        required=False,
        help_text=_("Leave empty to use the next free ID."),
    )

    consent_source = forms.CharField(
        label=_("consent: source"),
        help_text=ConsentRecord._meta.get_field("source").help_text,
        widget=UnfoldAdminTextInputWidget,
        max_length=MAX_SOURCE_LENGTH,
        required=False,
    )
    consent_text_version = forms.CharField(
        label=_("consent: text version"),
        help_text=ConsentRecord._meta.get_field("text_version").help_text,
        widget=UnfoldAdminTextInputWidget,
        max_length=MAX_TEXT_VERSION_LENGTH,
        required=False,
    )

    def clean_tracking_consent(self) -> str:
        answer = ConsentAnswer(
            self.cleaned_data["tracking_consent"], ConsentChannel.ADMIN
        )
        before = self.initial.get("tracking_consent", answer.consent)
        if not tracking_consent.may_follow(before, None, answer):
            raise forms.ValidationError(gettext(consent_columns.REFUSAL_STAYS))
        return answer.consent

    @property
    def consent(self) -> ConsentAnswer | None:
        """Return the new consent, or None if nothing about it was entered."""
        names = ("tracking_consent", *CONSENT_DETAILS)
        if not set(names) & set(self.changed_data):
            return None
        consent, source, text_version = (self.cleaned_data[name] for name in names)
        return ConsentAnswer(consent, ConsentChannel.ADMIN, source, text_version)

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        account = data.get("account")  # the instance has none yet
        is_new = self.instance._state.adding
        if is_new and account and quotas.are_contacts_full(account.pk):
            self.add_error(None, gettext(quotas.TOO_MANY_CONTACTS))
        entity_id = data.get("entity_id")
        if is_new and account and entity_id and _is_erased(account, entity_id):
            self.add_error("entity_id", gettext(contact_import.ERASED))
        return data


def _is_erased(account: Account, entity_id: int) -> bool:
    return bool(erased_identities.erased_ids(account.pk, [entity_id]))


@admin.register(Contact)
class ContactAdmin(AccountScopedAdmin[Contact]):
    contact_path = "pk"
    form = ContactForm
    change_form_outer_after_template = "shortlinks/timeline.html"
    list_display = ("__str__", "entity_id", "responsible", "department", "updated_at")
    list_select_related = ("responsible_user", "group")
    autocomplete_fields = ("responsible_user", "group")
    search_fields = ("name", "entity_id__exact")
    ordering = ("-id",)
    indexed_filters = (("is_deleted__exact", "1"),)
    actions = ("create_links",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Contact]:
        """Omit merged contacts, whose survivors are listed, and erased ones."""
        rows = super().get_queryset(request)
        return rows.filter(merged_into=None, erased_at=None)

    def get_urls(self) -> list[URLPattern]:
        return [*personal_data.urls(self), *super().get_urls()]

    def needs_scan_limit(self, request: HttpRequest) -> bool:
        """Search without a limit: names and ids have indexes."""
        return not request.GET.get(SEARCH_VAR) and super().needs_scan_limit(request)

    def has_links_permission(self, request: HttpRequest) -> bool:
        return short_link_tools.may_create(request)

    @admin.action(description=_("Create short links"), permissions=["links"])
    def create_links(
        self, request: HttpRequest, queryset: QuerySet[Contact]
    ) -> HttpResponse | None:
        own = queryset.filter(account=current_user(request).account_id)
        chosen = list(own[: short_link_tools.MAX_CONTACTS + 1])
        if len(chosen) > short_link_tools.MAX_CONTACTS:
            text = gettext("Choose at most %(most)d contacts.")
            refused = text % {"most": short_link_tools.MAX_CONTACTS}
            self.message_user(request, refused, messages.ERROR)
            return None
        return short_link_tools.create(request, chosen)

    # --- permissions ---------------------------------------------------------

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Require an account, to which the new contact belongs."""
        if (
            not self.has_view_permission(request)
            or not current_user(request).account_id
        ):
            return False
        return (
            is_administrator(request)
            or current_user(request).contacts_add == AccessLevel.ALL
        )

    def has_change_permission(
        self, request: HttpRequest, obj: Contact | None = None
    ) -> bool:
        return self._may(request, "contacts_edit", obj)

    def has_delete_permission(
        self, request: HttpRequest, obj: Contact | None = None
    ) -> bool:
        return self._may(request, "contacts_delete", obj)

    def _may(self, request: HttpRequest, field: str, contact: Contact | None) -> bool:
        if is_administrator(request):
            return True
        if not self.has_view_permission(request):
            return False
        user = current_user(request)
        level: str = getattr(user, field)
        if contact is None:
            return level != AccessLevel.DENIED
        return permissions.level_covers(level, contact, user)

    # --- forms ---------------------------------------------------------------

    def get_list_filter(self, request: HttpRequest) -> tuple[Any, ...]:
        own = ("is_deleted",) if is_administrator(request) else ()
        return (*own, *super().get_list_filter(request))

    def get_fields(self, request: HttpRequest, obj: Contact | None = None) -> Names:
        if obj is None:
            new = ("account", "entity_id", *NAMES)
            return (*new, "responsible_user") if is_administrator(request) else new
        entered = CONSENT_DETAILS if self.has_change_permission(request, obj) else ()
        consent = ("tracking_consent", *entered)
        if is_administrator(request):
            own = ("responsible_user", "group", *consent, "is_deleted")
            return ("account", "entity_id", *NAMES, *own, *TIMES)
        return ("entity_id", *NAMES, *consent, "responsible", "department", *TIMES)

    def get_readonly_fields(
        self, request: HttpRequest, obj: Contact | None = None
    ) -> Names:
        if obj is None:
            return ()
        return ("entity_id", "responsible", "department", *TIMES)

    def get_field_queryset(
        self, db: str | None, db_field: Any, request: HttpRequest
    ) -> QuerySet[Any]:
        if db_field.name == "account":
            return Account.objects.filter(users=current_user(request))
        return super().get_field_queryset(db, db_field, request)

    @admin.display(description=_("responsible user"), ordering="responsible_user__name")
    def responsible(self, contact: Contact) -> str:
        """Return the name without a link: managers have no page of users."""
        return str(contact.responsible_user or self.get_empty_value_display())

    @admin.display(description=_("group"), ordering="group__name")
    def department(self, contact: Contact) -> str:
        return str(contact.group or self.get_empty_value_display())

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        contact = self.get_object(request, unquote(object_id))
        extra = {**(extra_context or {}), **self._history(request, contact)}
        return super().change_view(request, object_id, form_url, extra)

    def _history(self, request: HttpRequest, contact: Contact | None) -> dict[str, Any]:
        """Load the rows once: Django would render a read-only field several times."""
        if contact is None:
            return {}
        return {
            "timeline": timeline.of(contact, current_user(request)),
            "browsers": contact_comparison.browsers(contact),
            "shows_personal_data": is_administrator(request),
        }

    # --- changes -------------------------------------------------------------

    def lock(self, row: Contact) -> None:
        """Lock all rows of the person, because a denied consent applies to all."""
        queries.lock_rows(Contact.objects.same_person(row))

    def save_model(
        self, request: HttpRequest, obj: Contact, form: Any, change: Any
    ) -> None:
        if change:
            obj.updated_by, obj.updated_at = current_user(request), timezone.now()
            obj.is_anonymous = False  # a user has identified the person
            if form.consent:  # stored below, with its history
                obj.tracking_consent = form.initial["tracking_consent"]
            super().save_model(request, obj, form, change)
            consent = ["tracking_consent"] if form.consent else []
            edited = {"is_anonymous", *consent, *form.changed_data}
            contacts.mark_edited({column: [obj.pk] for column in edited})
            if form.consent:
                answers = [(obj, form.consent)]
                tracking_consent.answer(answers, by=current_user(request))
            if "is_deleted" in form.changed_data:
                contacts.set_deleted(
                    [obj.pk], is_deleted=obj.is_deleted, by=current_user(request)
                )
            return
        new = contacts.NewContact(
            entity_id=obj.entity_id,
            name=obj.name,
            first_name=obj.first_name,
            last_name=obj.last_name,
            responsible_user_id=obj.responsible_user_id,
        )
        obj.pk = contacts.create([new], user=current_user(request))[0].pk

    def response_add(
        self, request: HttpRequest, obj: Contact, post_url_continue: str | None = None
    ) -> HttpResponse:
        response = super().response_add(request, obj, post_url_continue)
        return onboarding.redirect_to_next(request, response)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Return only the contacts, which are marked as deleted; related rows stay."""
        lacking = {
            str(self.opts.verbose_name)
            for contact in objs
            if not self.has_delete_permission(request, contact)
        }
        counts = {str(self.opts.verbose_name_plural): len(objs)}
        return [str(contact) for contact in objs], counts, lacking, []

    def delete_model(self, request: HttpRequest, obj: Contact) -> None:
        self.delete_queryset(request, Contact.objects.filter(pk=obj.pk))

    def delete_queryset(
        self, request: HttpRequest, queryset: QuerySet[Contact]
    ) -> None:
        contacts.delete(queryset, by=current_user(request))
