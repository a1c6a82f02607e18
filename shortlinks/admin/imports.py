"""Contacts out of a file: looked at by row first, stored on a second word."""

import base64
import zlib
from collections.abc import Sequence
from typing import Any

import msgspec
from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminFileFieldWidget

from shortlinks.admin.base import administers, caller
from shortlinks.domain import imports, tables
from shortlinks.domain.imports import Line

KEPT = "import_of_contacts"
MOST_SHOWN = 100

Rows = list[list[str]]


class FileForm(forms.Form):
    file = forms.FileField(
        label=_("CSV or XLSX file"),
        help_text=_("Up to 10,000 rows and 5 MB; the first row names the columns."),
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,.xlsx"}),
    )
    rows: Rows
    lines: list[Line]

    def check(self, request: HttpRequest) -> bool:
        """Whether there is something to look at; else the form says what is wrong."""
        if not self.is_valid():
            return False
        try:
            self.rows = tables.read(self.cleaned_data["file"].read())
            self.lines = imports.check(self.rows, caller(request))
        except tables.NoTable as error:
            self.add_error("file", gettext(str(error)))
        except imports.NoHead:
            self.add_error("file", gettext(imports.NO_HEAD))
        return self.is_valid()


def may_import(request: HttpRequest) -> bool:
    return administers(request) and caller(request).account_id is not None


def contacts(request: HttpRequest) -> HttpResponse:
    if not may_import(request):
        raise PermissionDenied
    if "confirm" in request.POST:
        return _store(request)
    form = FileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.check(request):
        request.session[KEPT] = _packed(form.rows)
        return _page(request, {"form": FileForm(), **_preview(form.lines)})
    return _page(request, {"form": form})


def _store(request: HttpRequest) -> HttpResponse:
    """What was looked at, checked again: others may have changed it meanwhile."""
    kept = request.session.pop(KEPT, None)
    if kept is None:
        messages.error(request, gettext("There is nothing to import any more."))
        return HttpResponseRedirect(reverse("admin_import"))
    user = caller(request)
    stored = imports.store(imports.check(_unpacked(kept), user), user)
    text = gettext(
        "Contacts created: %(created)d, changed: %(changed)d, left out: %(left_out)d."
    )
    counts = {
        "created": stored.created,
        "changed": stored.changed,
        "left_out": stored.left_out,
    }
    messages.success(request, text % counts)
    return HttpResponseRedirect(reverse("admin:shortlinks_contact_changelist"))


def _preview(lines: Sequence[Line]) -> dict[str, Any]:
    """The faulty rows first: they are what one has come to see."""
    faulty = [line for line in lines if line.faults]
    good = [line for line in lines if not line.faults]
    shown = [
        (line, [gettext(fault) for fault in line.faults]) for line in [*faulty, *good]
    ]
    return {
        "lines": shown[:MOST_SHOWN],
        "rest": max(0, len(shown) - MOST_SHOWN),
        "created": sum(not line.is_known for line in good),
        "changed": sum(line.is_known for line in good),
        "faulty": len(faulty),
    }


def _packed(rows: Rows) -> str:
    return base64.b85encode(zlib.compress(msgspec.json.encode(rows))).decode()


def _unpacked(text: str) -> Rows:
    packed = zlib.decompress(base64.b85decode(text))
    return msgspec.json.decode(packed, type=Rows)


def _page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    shared = {**admin.site.each_context(request), "title": gettext("Import contacts")}
    return render(request, "shortlinks/import.html", {**shared, **context})
