"""What an administrator asks of a period: how many opens, of what, by whom."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Self

from django.db.models import Count, QuerySet, Sum

from shortlinks.models import (
    DailyVisits,
    DeliveryState,
    Verdict,
    Visit,
    WebhookDelivery,
)

MOST_COUNTED = 1000


@dataclass(frozen=True, slots=True)
class Scope:
    """The days from first to last, of one account; None: of all of them."""

    account_id: int | None
    first: date
    last: date

    @classmethod
    def of_last_days(cls, days: int, account_id: int | None, today: date) -> Self:
        return cls(account_id, today - timedelta(days=days - 1), today)

    def days(self) -> list[date]:
        length = (self.last - self.first).days + 1
        return [self.first + timedelta(days=number) for number in range(length)]


@dataclass(frozen=True, slots=True)
class Day:
    day: date
    visits: dict[str, int] = field(default_factory=dict)

    @property
    def people(self) -> int:
        return self.visits.get(Verdict.PERSON, 0)

    @property
    def others(self) -> int:
        """Machines, and what may be one; colleagues are neither."""
        aside = self.visits.get(Verdict.STAFF, 0)
        return sum(self.visits.values()) - self.people - aside


@dataclass(frozen=True, slots=True)
class OpenedUrl:
    """People's opens of a source url, and how many contacts made them."""

    url: str
    opens: int
    contacts: int


def by_day(scope: Scope) -> Sequence[Day]:
    """Every day of the period, those without a visit, too."""
    days = {day: Day(day) for day in scope.days()}
    counts = _counted(scope).values_list("day", "verdict").annotate(n=Sum("visits"))
    for day, verdict, visits in counts:
        days[day].visits[verdict] = visits
    return list(days.values())


def most_opened(scope: Scope, most: int) -> Sequence[OpenedUrl]:
    rows = (
        _counted(scope)
        .filter(verdict=Verdict.PERSON, visits__gt=0)
        .values_list("link__url")
        .annotate(opens=Sum("visits"), contacts=Count("link__contact", distinct=True))
        .order_by("-opens", "link__url")[:most]
    )
    return [OpenedUrl(*row) for row in rows]


def set_aside(account_id: int | None) -> int:
    """Visits that wait for an administrator, 1,000 at the most."""
    rows = Visit.objects.set_aside()
    if account_id is not None:
        rows = rows.filter(link__account=account_id)
    return rows[:MOST_COUNTED].count()


def failed_deliveries(account_id: int | None, since: datetime) -> int:
    """Events that webhooks did not take since then, 1,000 at the most."""
    rows = WebhookDelivery.objects.filter(
        state=DeliveryState.GIVEN_UP, created_at__gte=since
    )
    if account_id is not None:
        rows = rows.filter(webhook__account=account_id)
    return rows[:MOST_COUNTED].count()


def _counted(scope: Scope) -> QuerySet[DailyVisits]:
    rows = DailyVisits.objects.filter(day__gte=scope.first, day__lte=scope.last)
    if scope.account_id is None:
        return rows
    return rows.filter(link__account=scope.account_id)
