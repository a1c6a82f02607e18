"""Upload pages of the imports of contacts and users."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.models import ADDITION, LogEntry
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminFileFieldWidget

from shortlinks import tasks
from shortlinks.admin import submissions
from shortlinks.admin.base import current_user, is_administrator
from shortlinks.domain import quotas
from shortlinks.domain.imports import (
    consent_columns,
    file_errors,
    lifecycle,
    spreadsheets,
    user_import,
)
from shortlinks.domain.imports.lifecycle import Upload
from shortlinks.domain.quotas import QuotaReached
from shortlinks.models import Import, ImportKind, User


@dataclass(frozen=True, slots=True)
class UploadPage:
    """Texts of an upload page, and columns of its preview by their headings."""

    name: str
    title: Any
    columns_help: Any
    preview_columns: Sequence[tuple[Any, tuple[str, ...]]]
    list_url_name: str

    @property
    def address(self) -> str:
        return reverse(f"admin_import_{self.name}")


CONTACTS = UploadPage(
    name=ImportKind.CONTACTS,
    title=_("Import contacts"),
    columns_help=_(
        "Columns: entity_id (empty: the next free ID), name, first_name,"
        " last_name, responsible (e-mail of a user, empty: you). Existing"
        " contacts are updated. An empty cell keeps the value. A consent has the"
        " columns tracking_consent (granted, denied or unknown), consent_source,"
        " consent_text_version and consent_given_at (2026-09-01)."
    ),
    preview_columns=(
        (_("CRM ID"), ("entity_id",)),
        (_("Name"), ("name",)),
        (_("First name"), ("first_name",)),
        (_("Last name"), ("last_name",)),
        (_("Responsible user"), ("responsible",)),
        (_("Tracking consent"), consent_columns.COLUMNS),
    ),
    list_url_name="admin:shortlinks_contact_changelist",
)
USERS = UploadPage(
    name=ImportKind.USERS,
    title=_("Import users"),
    columns_help=_(
        "Columns: email, name, group, and the access levels view, edit, add,"
        " delete, export (A: all, G: group's, M: own, D: none). Existing users"
        " are updated. An empty cell keeps the value. New users cannot sign in"
        " until you set a password."
    ),
    preview_columns=(
        (_("E-mail"), ("email",)),
        (_("Name"), ("name",)),
        (_("Group"), ("group",)),
        (_("Permissions"), tuple(user_import.LEVEL_COLUMNS)),
    ),
    list_url_name="admin:shortlinks_user_changelist",
)
PAGES = {page.name: page for page in (CONTACTS, USERS)}


class FileForm(forms.Form):
    file = forms.FileField(
        label=_("CSV or XLSX file"),
        help_text=_(
            "Up to 100,000 rows and 20 MB. The first row contains the column names."
        ),
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,.xlsx"}),
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > spreadsheets.MAX_FILE_BYTES:
            raise forms.ValidationError(gettext(file_errors.TOO_LARGE))
        return file

    def begin(self, page: UploadPage, user: User) -> Import | None:
        """Start the import, or return None and add the reason to the form."""
        if not self.is_valid():
            return None
        file = self.cleaned_data["file"]
        try:
            return lifecycle.start(Upload(user, page.name, file.name, file.read()))
        except file_errors.UnreadableFile as error:
            self.add_error("file", file_errors.translate(str(error)))
        except QuotaReached:
            self.add_error("file", gettext(quotas.TOO_MANY_IMPORTS))
        except file_errors.MissingHeader:
            self.add_error(
                "file", gettext(lifecycle.SPECS[page.name].missing_header_message)
            )
        return None


def can_import(request: HttpRequest) -> bool:
    return is_administrator(request) and current_user(request).account_id is not None


def upload_contacts(request: HttpRequest) -> HttpResponse:
    return _upload(request, CONTACTS)


def upload_users(request: HttpRequest) -> HttpResponse:
    return _upload(request, USERS)


def _upload(request: HttpRequest, page: UploadPage) -> HttpResponse:
    if not can_import(request):
        raise PermissionDenied
    if request.method != "POST":
        return _render(request, page, FileForm())
    response = submissions.once(request, lambda: _begin(request, page))
    if submissions.is_redirect(response):
        tasks.enqueue_imports()
    return response


def _begin(request: HttpRequest, page: UploadPage) -> HttpResponse:
    form = FileForm(request.POST, request.FILES)
    started = form.begin(page, current_user(request))
    if started is None:
        return _render(request, page, form)
    LogEntry.objects.log_actions(
        current_user(request).pk, [started], ADDITION, gettext("Uploaded.")
    )
    return HttpResponseRedirect(
        reverse("admin:shortlinks_import_change", args=[started.pk])
    )


def _render(request: HttpRequest, page: UploadPage, form: FileForm) -> HttpResponse:
    token = {submissions.FIELD: submissions.token(request)}
    shown = {"title": page.title, "upload_page": page, "form": form, **token}
    context = {**admin.site.each_context(request), **shown}
    return render(request, "shortlinks/import.html", context)
