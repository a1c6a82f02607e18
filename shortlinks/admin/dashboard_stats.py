"""Statistics of a period and figures to watch, on an administrator's dashboard."""

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
from shortlinks.models import WebhookState

PERIODS = (7, 30, 90)
PERIOD = "days"
MAX_URLS = 10
FAILED_WITHIN = timedelta(days=7)
LATE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure; it is highlighted unless `is_good`."""

    label: str
    value: str
    is_good: bool
    address: str = ""


def scope(request: HttpRequest) -> ReportPeriod:
    """Return the requested period of the user's account, or of all for operators."""
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
        "chart": charts.people_and_programs(days),
        "urls": urls,
        "largest": max((url.opens for url in urls), default=1),
        "periods": PERIODS,
        "chosen": len(days),
        "behind": _minutes_behind(),
    }


def _minutes_behind() -> int:
    """Return the lag of the rollups in minutes: 0 while beat and the worker run."""
    return int(gauges.rollup_lag_seconds()) // LATE_SECONDS


def _account_id(request: HttpRequest) -> int | None:
    return None if is_operator(request) else current_user(request).account_id


def _tiles(request: HttpRequest) -> Iterator[Tile]:
    account_id = _account_id(request)
    waiting = gauges.backlog()
    label = gettext("Opens in queue")
    yield Tile(label, str(waiting.visits), is_good=True)
    lag = round(waiting.oldest_seconds)
    seconds = gettext("%(seconds)d s") % {"seconds": lag}
    yield Tile(gettext("Longest wait"), seconds, is_good=lag < LATE_SECONDS)
    visits = reverse("admin:shortlinks_visit_changelist")
    dead_lettered = statistics.dead_lettered_count(account_id)
    yield Tile(
        gettext("Failed visits"),
        str(dead_lettered),
        not dead_lettered,
        f"{visits}?dead_lettered=yes",
    )
    yield from _webhook_tiles(account_id)
    yield from _lost_domains(account_id)


def _webhook_tiles(account_id: int | None) -> Iterator[Tile]:
    webhooks = reverse("admin:shortlinks_webhook_changelist")
    count = statistics.failing_webhooks(account_id)
    address = f"{webhooks}?state={WebhookState.FAILING}"
    yield Tile(gettext("Failing webhooks"), str(count), not count, address)
    deliveries = reverse("admin:shortlinks_webhookdelivery_changelist")
    failed = statistics.failed_deliveries(account_id, timezone.now() - FAILED_WITHIN)
    label = gettext("Undelivered webhooks, 7 days")
    yield Tile(label, str(failed), not failed, deliveries)


def _lost_domains(account_id: int | None) -> Iterator[Tile]:
    """Yield a tile only if a short domain has lost its proof."""
    if count := statistics.domains_without_proof(account_id):
        label = gettext("Short domains without their TXT record")
        domains = reverse("admin:shortlinks_shortdomain_changelist")
        yield Tile(label, str(count), is_good=False, address=domains)
