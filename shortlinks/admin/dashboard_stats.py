"""What an administrator sees on the start page: a period's numbers, and what waits."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from shortlinks.admin import charts
from shortlinks.admin.base import current_user, is_operator
from shortlinks.domain.monitoring import gauges
from shortlinks.domain.reports import statistics
from shortlinks.domain.reports.statistics import ReportPeriod

PERIODS = (7, 30, 90)
PERIOD = "days"
MAX_URLS = 10
FAILED_WITHIN = timedelta(days=7)
LATE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure that is good or wants somebody's attention."""

    label: str
    value: str
    is_good: bool
    address: str = ""


def scope(request: HttpRequest) -> ReportPeriod:
    """The period that was asked for, of the caller's account; operators: of all."""
    asked = request.GET.get(PERIOD, "")
    days = int(asked) if asked in map(str, PERIODS) else PERIODS[0]
    return ReportPeriod.last_days(days, _account_id(request), timezone.localdate())


def of(request: HttpRequest) -> dict[str, Any]:
    period = scope(request)
    days = statistics.by_day(period)
    urls = statistics.top_urls(period, MAX_URLS)
    return {
        "tiles": list(_tiles(request)),
        "days": days,
        "chart": charts.people_and_machines(days),
        "urls": urls,
        "largest": max((url.opens for url in urls), default=1),
        "periods": PERIODS,
        "chosen": len(days),
        "behind": _minutes_behind(),
    }


def _minutes_behind() -> int:
    """Of the sums; they are seconds behind while beat and the worker run."""
    return int(gauges.rollup_lag_seconds()) // LATE_SECONDS


def _account_id(request: HttpRequest) -> int | None:
    return None if is_operator(request) else current_user(request).account_id


def _tiles(request: HttpRequest) -> Iterator[Tile]:
    account_id = _account_id(request)
    waiting = gauges.backlog()
    label = gettext("Opens that wait for their follow-up")
    yield Tile(label, str(waiting.visits), is_good=True)
    lag = round(waiting.oldest_seconds)
    seconds = gettext("%(seconds)d s") % {"seconds": lag}
    yield Tile(gettext("The oldest waits for"), seconds, is_good=lag < LATE_SECONDS)
    visits = reverse("admin:shortlinks_visit_changelist")
    aside = statistics.dead_lettered_count(account_id)
    yield Tile(
        gettext("Visits set aside"),
        str(aside),
        not aside,
        f"{visits}?dead_lettered=yes",
    )
    deliveries = reverse("admin:shortlinks_webhookdelivery_changelist")
    failed = statistics.failed_deliveries(account_id, timezone.now() - FAILED_WITHIN)
    label = gettext("Webhook events given up within 7 days")
    yield Tile(label, str(failed), not failed, deliveries)
