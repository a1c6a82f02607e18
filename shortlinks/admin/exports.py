"""Writers of CSV and XLSX files, and the downloads of the dashboard.

Every export is written here, so that none of its cells runs as a formula.
"""

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from io import BytesIO, StringIO
from typing import Any

import xlsxwriter
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import get_language, gettext

from shortlinks.admin import dashboard_stats
from shortlinks.admin.base import current_user, is_administrator
from shortlinks.admin.sign_in import recent_sign_in
from shortlinks.domain import formulas
from shortlinks.domain.auth import security_events
from shortlinks.domain.reports import statistics
from shortlinks.domain.reports.statistics import ReportPeriod
from shortlinks.models import SecurityEvent, SecurityEventKind, User, Verdict

MAX_URLS = 10_000
MAX_EVENTS = 50_000
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

Rows = list[Sequence[Any]]


def download(request: HttpRequest, name: str) -> HttpResponse:
    if not is_administrator(request):
        raise PermissionDenied
    if name not in DOWNLOADS:
        raise Http404
    recent_sign_in.require(request)
    content, content_type = DOWNLOADS[name](dashboard_stats.scope(request))
    user = current_user(request)
    security_events.record(SecurityEventKind.EXPORT, user=user, detail=name)
    response = HttpResponse(content, content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _days(scope: ReportPeriod) -> Rows:
    head = [gettext("Day"), *(str(capfirst(each.label)) for each in Verdict)]
    rows = [
        [each.day, *(each.visits.get(verdict, 0) for verdict in Verdict)]
        for each in statistics.by_day(scope)
    ]
    return [head, *rows]


def _urls(scope: ReportPeriod) -> Rows:
    head = [gettext("URL"), gettext("Opens"), gettext("Contacts")]
    rows = statistics.top_urls(scope, MAX_URLS)
    return [head, *([each.url, each.opens, each.contacts] for each in rows)]


def _security_events_csv(scope: ReportPeriod) -> tuple[bytes, str]:
    head = ["Time", "Event", "User", "Details", "Network", "Number"]
    first = timezone.make_aware(datetime.combine(scope.first, time.min))
    found = SecurityEvent.objects.filter(occurred_at__gte=first)
    if scope.account_id is not None:
        found = found.filter(account=scope.account_id)
    newest = found.select_related("user").order_by("-id")[:MAX_EVENTS]
    rows = (
        [
            timezone.localtime(each.occurred_at).isoformat(timespec="seconds"),
            *(each.kind, _email(each.user), each.detail, each.network, each.count),
        ]
        for each in newest
    )
    return as_csv([head, *rows])


def _email(user: User | None) -> str:
    return user.email if user else ""


def _days_csv(scope: ReportPeriod) -> tuple[bytes, str]:
    return as_csv(_days(scope))


def _urls_csv(scope: ReportPeriod) -> tuple[bytes, str]:
    return as_csv(_urls(scope))


def _workbook(scope: ReportPeriod) -> tuple[bytes, str]:
    sheets = {gettext("By day"): _days(scope), gettext("By URL"): _urls(scope)}
    return as_workbook(sheets)


def as_csv(rows: Iterable[Sequence[Any]]) -> tuple[bytes, str]:
    """Return a table that Excel opens in columns, in the language of the user.

    Where the comma separates decimals, as in Russian, Excel expects semicolons. A
    `sep=` line would do for both, but Excel then ignores the encoding, and other
    programs show the line.
    """
    text = StringIO()
    delimiter = ";" if get_language() == "ru" else ","
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerows(_safe(row, formulas.escape_csv) for row in rows)
    # Excel reads the file as UTF-8 because of the byte order mark
    return text.getvalue().encode("utf-8-sig"), "text/csv; charset=utf-8"


def as_workbook(sheets: Mapping[str, Iterable[Sequence[Any]]]) -> tuple[bytes, str]:
    file = BytesIO()
    # URLs and names stay text, without formulas and links
    options = {
        "in_memory": True,
        "strings_to_urls": False,
        "strings_to_formulas": False,
        "default_date_format": "yyyy-mm-dd",
    }
    with xlsxwriter.Workbook(file, options) as book:
        for title, rows in sheets.items():
            sheet = book.add_worksheet(title)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, _safe(row, formulas.escape))
            sheet.autofit()
    return file.getvalue(), XLSX


def _safe(row: Sequence[Any], escape: Callable[[str], str]) -> list[Any]:
    """Return the cells; all but numbers and dates become escaped text."""
    return [
        cell if isinstance(cell, int | float | date) else escape(str(cell))
        for cell in row
    ]


DOWNLOADS: Mapping[str, Callable[[ReportPeriod], tuple[bytes, str]]] = {
    "days.csv": _days_csv,
    "urls.csv": _urls_csv,
    "statistics.xlsx": _workbook,
    "security_events.csv": _security_events_csv,
}
