"""Pages that show, export and erase everything that is stored about a person."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import display_for_field
from django.core.exceptions import PermissionDenied
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from shortlinks.admin.base import AccountScopedAdmin, current_user, is_administrator
from shortlinks.admin.sign_in import recent_sign_in
from shortlinks.domain.auth import security_events
from shortlinks.domain.personal_data import erasure, export
from shortlinks.domain.personal_data.export import StoredRows
from shortlinks.models import Contact, ErasureOrigin, SecurityEventKind
from shortlinks.models.personal_data import TABLES

MAX_ROWS = 20  # of each table, on the page
EMPTY = "—"
TITLES = {
    **{table.name: table.model._meta.verbose_name_plural for table in TABLES},
    "importrow": _("import rows"),
    "merge_evidence": _("reasons of merges"),
    "earlier_values": _("names before merges"),
    "evidence_of_others": _("reasons of other people's merges"),
    "log": _("change history"),
}


@dataclass(frozen=True, slots=True)
class ShownTable:
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    hidden: int  # rows that only the file has


def urls(contacts: AccountScopedAdmin[Contact]) -> list[URLPattern]:
    """Return the URL patterns of a contact's pages, for administrators only."""

    def address(route: str, name: str, view: Any) -> URLPattern:
        def checked(request: HttpRequest, object_id: int) -> HttpResponse:
            if not is_administrator(request):
                raise PermissionDenied
            own = contacts.get_queryset(request)
            response: HttpResponse = view(request, get_object_or_404(own, pk=object_id))
            return response

        wrapped = contacts.admin_site.admin_view(checked)
        return path(f"<int:object_id>/{route}", wrapped, name=f"shortlinks_{name}")

    return [
        address("personal_data/", "contact_personal_data", _page),
        address("personal_data/file/", "contact_personal_data_file", _file),
        address("erase/", "contact_erase", _erase),
    ]


@require_GET
def _page(request: HttpRequest, contact: Contact) -> HttpResponse:
    title = gettext("Personal data")
    context = {
        **admin.site.each_context(request),
        "title": title,
        "opts": Contact._meta,
        "original": contact,
        "tables": [table for table in _shown_tables(contact) if table.rows],
    }
    return render(request, "shortlinks/personal_data.html", context)


@require_GET
def _file(request: HttpRequest, contact: Contact) -> StreamingHttpResponse:
    recent_sign_in.require(request)
    user = current_user(request)
    security_events.record(
        SecurityEventKind.EXPORT,
        user=user,
        account=contact.account,
        detail=erasure.PERSON,
    )
    response = StreamingHttpResponse(
        export.as_json(contact), content_type="application/json"
    )
    name = f"contact-{contact.entity_id}.json"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_POST
def _erase(request: HttpRequest, contact: Contact) -> HttpResponse:
    if "confirmed" not in request.POST:
        text = gettext("Confirm that the person is to be erased for good.")
        messages.error(request, text)
        address = reverse("admin:shortlinks_contact_personal_data", args=[contact.pk])
        return HttpResponseRedirect(address)
    recent_sign_in.require(request)
    try:
        receipt = erasure.request(
            contact, origin=ErasureOrigin.ADMIN, by=current_user(request)
        )
    except erasure.AlreadyErased:
        raise Http404 from None
    messages.success(
        request, gettext("Nothing more is recorded. The data are being erased.")
    )
    return HttpResponseRedirect(
        reverse("admin:shortlinks_erasure_change", args=[receipt.pk])
    )


def _shown_tables(contact: Contact) -> Iterator[ShownTable]:
    for table in export.tables(contact):
        by_name = {field.name: field for field in table.model._meta.concrete_fields}
        fields = [by_name[name] for name in table.columns]
        yield ShownTable(
            title=_title(table),
            columns=[capfirst(str(field.verbose_name)) for field in fields],
            rows=[
                [_text(row, field) for field in fields] for row in table.rows[:MAX_ROWS]
            ],
            hidden=max(0, table.rows.count() - MAX_ROWS),
        )


def _title(table: StoredRows) -> str:
    return str(capfirst(TITLES[table.name]))


def _text(row: Any, field: Any) -> str:
    return str(display_for_field(getattr(row, field.name), field, EMPTY) or EMPTY)
