"""Statistics of a period: opens by day, the most opened URLs, failures."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Self, TypeVar

from django.db.models import Max, Model, QuerySet, Sum

from shortlinks.models import (
    AccountDailyVisits,
    DeliveryState,
    ShortDomain,
    ShortLink,
    UrlDailyOpens,
    Verdict,
    Visit,
    Webhook,
    WebhookDelivery,
    WebhookState,
)

MAX_COUNTED = 1000

Row = TypeVar("Row", bound=Model)
RollupQuerySet = TypeVar("RollupQuerySet", AccountDailyVisits, UrlDailyOpens)


@dataclass(frozen=True, slots=True)
class ReportPeriod:
    """The days from first to last, of one account, or of all with `account_id` None."""

    account_id: int | None
    first: date
    last: date

    @classmethod
    def last_days(cls, days: int, account_id: int | None, today: date) -> Self:
        return cls(account_id, today - timedelta(days=days - 1), today)

    def days(self) -> list[date]:
        length = (self.last - self.first).days + 1
        return [self.first + timedelta(days=number) for number in range(length)]


@dataclass(frozen=True, slots=True)
class Day:
    day: date
    visits: dict[str, int] = field(default_factory=dict)

    @property
    def person_opens(self) -> int:
        return self.visits.get(Verdict.PERSON, 0)

    @property
    def bot_visits(self) -> int:
        """Return the visits of all verdicts except people and staff."""
        staff = self.visits.get(Verdict.STAFF, 0)
        return sum(self.visits.values()) - self.person_opens - staff


@dataclass(frozen=True, slots=True)
class OpenedUrl:
    """A source URL with its opens and the number of contacts that opened it."""

    url: str
    opens: int
    contacts: int


def by_day(period: ReportPeriod) -> Sequence[Day]:
    """Return every day of the period, also days without visits."""
    days = {day: Day(day) for day in period.days()}
    counts = _within(period, AccountDailyVisits.objects.all())
    sums = counts.values_list("day", "verdict").annotate(n=Sum("visits"))
    for day, verdict, visits in sums:
        days[day].visits[verdict] = int(visits)
    return list(days.values())


def top_urls(period: ReportPeriod, most: int) -> Sequence[OpenedUrl]:
    """Return the URLs with the most opens, in a period that ends today.

    Contacts are counted by their latest open, so an earlier end would miss some.
    """
    rows = list(
        _within(period, UrlDailyOpens.objects.all())
        .values_list("url_sha256")
        .annotate(sum=Sum("opens"), contacts=Sum("last_opened_links"), one=Max("link"))
        .filter(sum__gt=0)
        .order_by("-sum", "url_sha256")
        .values_list("one", "sum", "contacts")[:most]
    )
    links = ShortLink.objects.filter(pk__in=[one for one, _, _ in rows])
    urls = dict(links.values_list("pk", "url"))
    return [
        OpenedUrl(urls[one], int(opens), int(contacts))
        for one, opens, contacts in rows
        if one in urls
    ]


def dead_lettered_count(account_id: int | None) -> int:
    """Return the number of dead-lettered visits, up to 1,000."""
    rows = _of_account(Visit.objects.dead_lettered(), "link__account", account_id)
    return rows[:MAX_COUNTED].count()


def failed_deliveries(account_id: int | None, since: datetime) -> int:
    """Return the number of failed deliveries since then, up to 1,000."""
    rows = WebhookDelivery.objects.filter(
        state=DeliveryState.FAILED, created_at__gte=since
    )
    return _of_account(rows, "webhook__account", account_id)[:MAX_COUNTED].count()


def failing_webhooks(account_id: int | None) -> int:
    failing = Webhook.objects.in_state(WebhookState.FAILING)
    return _of_account(failing, "account", account_id).count()


def domains_without_proof(account_id: int | None) -> int:
    """Return the number of short domains that lost their proof."""
    return _of_account(ShortDomain.objects.lost(), "account", account_id).count()


def _of_account(
    rows: "QuerySet[Row]", path: str, account_id: int | None
) -> "QuerySet[Row]":
    """Return the rows of the account at this path, or all rows."""
    return rows if account_id is None else rows.filter(**{path: account_id})


def _within(
    period: ReportPeriod, rows: "QuerySet[RollupQuerySet]"
) -> "QuerySet[RollupQuerySet]":
    rows = rows.filter(day__gte=period.first, day__lte=period.last)
    if period.account_id is None:
        return rows
    return rows.filter(account=period.account_id)
