"""The numbers of the start page as files: by day and by url."""

import csv
from collections.abc import Iterable, Sequence
from io import BytesIO, StringIO
from typing import Any

import xlsxwriter
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext

from shortlinks.admin import dashboard_stats
from shortlinks.admin.base import is_administrator
from shortlinks.domain.reports import statistics
from shortlinks.domain.reports.statistics import ReportPeriod
from shortlinks.models import Verdict

MAX_URLS = 10_000
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

Rows = list[Sequence[Any]]


def download(request: HttpRequest, name: str) -> HttpResponse:
    if not is_administrator(request):
        raise PermissionDenied
    makers = {"days.csv": _days_csv, "urls.csv": _urls_csv, "numbers.xlsx": _workbook}
    if name not in makers:
        raise Http404
    content, kind = makers[name](dashboard_stats.scope(request))
    response = HttpResponse(content, content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _days(scope: ReportPeriod) -> Rows:
    head = [gettext("Day"), *(gettext(verdict.label) for verdict in Verdict)]
    rows = [
        [each.day, *(each.visits.get(verdict, 0) for verdict in Verdict)]
        for each in statistics.by_day(scope)
    ]
    return [head, *rows]


def _urls(scope: ReportPeriod) -> Rows:
    head = [gettext("Url"), gettext("Opens"), gettext("Contacts")]
    rows = statistics.top_urls(scope, MAX_URLS)
    return [head, *([each.url, each.opens, each.contacts] for each in rows)]


def _days_csv(scope: ReportPeriod) -> tuple[bytes, str]:
    return as_csv(_days(scope))


def _urls_csv(scope: ReportPeriod) -> tuple[bytes, str]:
    return as_csv(_urls(scope))


def as_csv(rows: Iterable[Sequence[Any]]) -> tuple[bytes, str]:
    text = StringIO()
    csv.writer(text).writerows(rows)
    # the mark tells Excel that it is UTF-8
    return text.getvalue().encode("utf-8-sig"), "text/csv; charset=utf-8"


def _workbook(scope: ReportPeriod) -> tuple[bytes, str]:
    file = BytesIO()
    # urls and names stay texts: no formulas and no links
    options = {
        "in_memory": True,
        "strings_to_urls": False,
        "strings_to_formulas": False,
        "default_date_format": "yyyy-mm-dd",
    }
    with xlsxwriter.Workbook(file, options) as book:
        for title, rows in (
            (gettext("By day"), _days(scope)),
            (gettext("By url"), _urls(scope)),
        ):
            sheet = book.add_worksheet(title)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
            sheet.autofit()
    return file.getvalue(), XLSX
