"""Contacts and rights out of a file: where it is uploaded, and what is said of each."""

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
from shortlinks.admin.base import current_user, is_administrator
from shortlinks.domain.imports import (
    contact_import,
    lifecycle,
    spreadsheets,
    user_import,
)
from shortlinks.domain.imports.lifecycle import Upload
from shortlinks.models import Import, ImportKind, User


@dataclass(frozen=True, slots=True)
class UploadPage:
    """What is imported: its texts, and its columns as they are shown."""

    name: str
    title: Any
    columns: Any
    shown: Sequence[tuple[Any, tuple[str, ...]]]
    next_url: str

    @property
    def address(self) -> str:
        return reverse(f"admin_import_{self.name}")


CONTACTS = UploadPage(
    name=ImportKind.CONTACTS,
    title=_("Import contacts"),
    columns=_(
        "Columns: entity_id (empty: a free one), name, first_name, last_name,"
        " responsible (a user's e-mail; empty: you). A contact whose id is there"
        " already is changed; an empty cell leaves what it has."
    ),
    shown=(
        (_("id in the CRM"), ("entity_id",)),
        (_("Name"), contact_import.NAMES),
        (_("Responsible"), ("responsible",)),
    ),
    next_url="admin:shortlinks_contact_changelist",
)
USERS = UploadPage(
    name=ImportKind.USERS,
    title=_("Import rights"),
    columns=_(
        "Columns: email, name, group, and the letters view, edit, add, delete, export"
        " (A all, G the group's, M own, D none). A user whose e-mail is there already"
        " is changed; an empty cell leaves what he has. New users have no password"
        " until you set one."
    ),
    shown=(
        (_("E-mail"), ("email",)),
        (_("Name"), ("name",)),
        (_("Group"), ("group",)),
        (_("Letters"), tuple(user_import.LEVEL_COLUMNS)),
    ),
    next_url="admin:shortlinks_user_changelist",
)
KINDS = {kind.name: kind for kind in (CONTACTS, USERS)}


class FileForm(forms.Form):
    file = forms.FileField(
        label=_("CSV or XLSX file"),
        help_text=_("Up to 100,000 rows and 20 MB; the first row names the columns."),
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,.xlsx"}),
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > spreadsheets.MAX_FILE_BYTES:
            raise forms.ValidationError(gettext(spreadsheets.TOO_LARGE))
        return file

    def begin(self, kind: UploadPage, user: User) -> Import | None:
        """None if there is nothing to check; then the form says what is wrong."""
        if not self.is_valid():
            return None
        file = self.cleaned_data["file"]
        try:
            return lifecycle.start(Upload(user, kind.name, file.name, file.read()))
        except spreadsheets.UnreadableFile as error:
            self.add_error("file", gettext(str(error)))
        except spreadsheets.MissingHeader:
            self.add_error(
                "file", gettext(lifecycle.SPECS[kind.name].missing_header_message)
            )
        return None


def can_import(request: HttpRequest) -> bool:
    return is_administrator(request) and current_user(request).account_id is not None


def contacts(request: HttpRequest) -> HttpResponse:
    return _upload(request, CONTACTS)


def permissions_upload(request: HttpRequest) -> HttpResponse:
    return _upload(request, USERS)


def _upload(request: HttpRequest, kind: UploadPage) -> HttpResponse:
    if not can_import(request):
        raise PermissionDenied
    form = FileForm(request.POST or None, request.FILES or None)
    run = form.begin(kind, current_user(request)) if request.method == "POST" else None
    if run is None:
        said = {"title": kind.title, "kind": kind, "form": form}
        context = {**admin.site.each_context(request), **said}
        return render(request, "shortlinks/import.html", context)
    LogEntry.objects.log_actions(
        current_user(request).pk, [run], ADDITION, gettext("Uploaded.")
    )
    tasks.enqueue_imports()
    return HttpResponseRedirect(
        reverse("admin:shortlinks_import_change", args=[run.pk])
    )
