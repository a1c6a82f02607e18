"""Contacts and rights out of a file: looked at by row, stored on a second word."""

import base64
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminFileFieldWidget

from shortlinks.admin.base import administers, caller
from shortlinks.domain import imports, rights_imports, tables
from shortlinks.models import User

MOST_SHOWN = 100

Rows = list[list[str]]


class Line(Protocol):
    """What both kinds of rows tell of themselves."""

    number: int
    given: dict[str, str]
    faults: list[str]

    @property
    def is_known(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Kind:
    """What is imported: its texts, its columns as they are shown, and its two steps."""

    name: str
    title: Any
    columns: Any
    no_head: str
    shown: Sequence[tuple[Any, tuple[str, ...]]]
    check: Callable[[Rows, User], Sequence[Line]]
    store: Callable[[Rows, User], str]
    leads_to: str

    @property
    def address(self) -> str:
        return reverse(f"admin_import_{self.name}")

    @property
    def kept(self) -> str:
        """Where the session has the rows between the two words."""
        return f"import_of_{self.name}"


class FileForm(forms.Form):
    file = forms.FileField(
        label=_("CSV or XLSX file"),
        help_text=_("Up to 10,000 rows and 5 MB; the first row names the columns."),
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,.xlsx"}),
    )
    rows: Rows
    lines: Sequence[Line]

    def check(self, kind: Kind, user: User) -> bool:
        """Whether there is something to look at; else the form says what is wrong."""
        if not self.is_valid():
            return False
        try:
            self.rows = tables.read(self.cleaned_data["file"].read())
            self.lines = kind.check(self.rows, user)
        except tables.NoTable as error:
            self.add_error("file", gettext(str(error)))
        except tables.NoHead:
            self.add_error("file", gettext(kind.no_head))
        return self.is_valid()


def may_import(request: HttpRequest) -> bool:
    return administers(request) and caller(request).account_id is not None


def contacts(request: HttpRequest) -> HttpResponse:
    return _import(request, CONTACTS)


def rights(request: HttpRequest) -> HttpResponse:
    return _import(request, RIGHTS)


def _import(request: HttpRequest, kind: Kind) -> HttpResponse:
    if not may_import(request):
        raise PermissionDenied
    if "confirm" in request.POST:
        return _store(request, kind)
    form = FileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.check(kind, caller(request)):
        request.session[kind.kept] = _packed(form.rows)
        shown = {"form": FileForm(), **_preview(form.lines, kind)}
        return _page(request, kind, shown)
    return _page(request, kind, {"form": form})


def _store(request: HttpRequest, kind: Kind) -> HttpResponse:
    """What was looked at, checked again: others may have changed it meanwhile."""
    kept = request.session.pop(kind.kept, None)
    if kept is None:
        messages.error(request, gettext("There is nothing to import any more."))
        return HttpResponseRedirect(kind.address)
    messages.success(request, kind.store(_unpacked(kept), caller(request)))
    return HttpResponseRedirect(reverse(kind.leads_to))


def _store_contacts(rows: Rows, user: User) -> str:
    stored = imports.store(imports.check(rows, user), user)
    text = gettext(
        "Contacts created: %(created)d, changed: %(changed)d, left out: %(left_out)d."
    )
    counts = {
        "created": stored.created,
        "changed": stored.changed,
        "left_out": stored.left_out,
    }
    return text % counts


def _store_rights(rows: Rows, user: User) -> str:
    """Each user's history says who gave him his letters."""
    stored = rights_imports.store(rights_imports.check(rows, user))
    for users, flag in ((stored.created, ADDITION), (stored.changed, CHANGE)):
        LogEntry.objects.log_actions(user.pk, users, flag, gettext("Rights imported."))
    text = gettext(
        "Users created: %(created)d, changed: %(changed)d, left out: %(left_out)d."
    )
    counts = {
        "created": len(stored.created),
        "changed": len(stored.changed),
        "left_out": stored.left_out,
    }
    return text % counts


CONTACTS = Kind(
    name="contacts",
    title=_("Import contacts"),
    columns=_(
        "Columns: entity_id (empty: a free one), name, first_name, last_name,"
        " responsible (a user's e-mail; empty: you). A contact whose id is there"
        " already is changed; an empty cell leaves what it has."
    ),
    no_head=imports.NO_HEAD,
    shown=(
        (_("id in the CRM"), ("entity_id",)),
        (_("Name"), imports.NAMES),
        (_("Responsible"), ("responsible",)),
    ),
    check=imports.check,
    store=_store_contacts,
    leads_to="admin:shortlinks_contact_changelist",
)
RIGHTS = Kind(
    name="rights",
    title=_("Import rights"),
    columns=_(
        "Columns: email, name, group, and the letters view, edit, add, delete, export"
        " (A all, G the group's, M own, D none). A user whose e-mail is there already"
        " is changed; an empty cell leaves what he has. New users have no password"
        " until you set one."
    ),
    no_head=rights_imports.NO_HEAD,
    shown=(
        (_("E-mail"), ("email",)),
        (_("Name"), ("name",)),
        (_("Group"), ("group",)),
        (_("Letters"), tuple(rights_imports.LETTERS)),
    ),
    check=rights_imports.check,
    store=_store_rights,
    leads_to="admin:shortlinks_user_changelist",
)


def _preview(lines: Sequence[Line], kind: Kind) -> dict[str, Any]:
    """The faulty rows first: they are what one has come to see."""
    faulty = [line for line in lines if line.faults]
    good = [line for line in lines if not line.faults]
    shown = [*faulty, *good][:MOST_SHOWN]
    return {
        "lines": [(line, _cells(line, kind), _faults(line)) for line in shown],
        "rest": max(0, len(lines) - MOST_SHOWN),
        "created": sum(not line.is_known for line in good),
        "changed": sum(line.is_known for line in good),
        "faulty": len(faulty),
    }


def _cells(line: Line, kind: Kind) -> list[str]:
    return [
        " ".join(filter(None, (line.given.get(name) for name in names)))
        for _label, names in kind.shown
    ]


def _faults(line: Line) -> list[str]:
    return [gettext(fault) for fault in line.faults]


def _packed(rows: Rows) -> str:
    return base64.b85encode(zlib.compress(msgspec.json.encode(rows))).decode()


def _unpacked(text: str) -> Rows:
    packed = zlib.decompress(base64.b85decode(text))
    return msgspec.json.decode(packed, type=Rows)


def _page(request: HttpRequest, kind: Kind, context: dict[str, Any]) -> HttpResponse:
    said = {"title": kind.title, "kind": kind}
    shared = {**admin.site.each_context(request), **said}
    return render(request, "shortlinks/import.html", {**shared, **context})
