"""Delete old rows by the accounts' retention periods, and preview the deletions."""

import dataclasses
import logging
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.admin.models import LogEntry
from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.models import Model, Q, QuerySet, Sum
from django.utils import timezone
from psycopg.errors import QueryCanceled

from shortlinks.domain import retention_periods
from shortlinks.domain.visits import partitions
from shortlinks.domain.visits import retention as visits
from shortlinks.models import (
    Account,
    AccountDailyVisits,
    Chat,
    Note,
    NoteType,
    Pixel,
    SecurityEvent,
    WebhookDelivery,
)
from shortlinks.models.retention import FIELDS

logger = logging.getLogger(__name__)

BATCH_SIZE = 1000
MAX_COUNT = 10_000  # that the preview counts
NEXT_DAYS = 7
PREVIEW_MILLISECONDS = 1000  # for each kind of rows


@dataclass(frozen=True, slots=True)
class RetainedRows:
    """Rows with a period: the account's field, and lookups of account and age."""

    field: str
    model: type[Model]
    account: str
    time: str
    condition: Q = dataclasses.field(default_factory=Q)

    def expired(self, now: datetime) -> "Iterator[QuerySet[Any]]":
        """Yield the rows of all accounts with the same period, in no order."""
        for days in retention_periods.periods_in_use(self.field):
            before = {f"{self.time}__lt": retention_periods.cutoff(days, now)}
            yield self._rows().filter(self._has_period(days), **before)

    def of(self, account: Account, until: datetime) -> "QuerySet[Any]":
        """Return the account's rows that have expired by this time."""
        days = retention_periods.days_of(account, self.field)
        if days is None:
            return self._rows().none()
        before = {f"{self.time}__lt": retention_periods.cutoff(days, until)}
        return self._rows().filter(**{self.account: account}, **before)

    def _rows(self) -> "QuerySet[Any]":
        return self.model._default_manager.filter(self.condition)

    def _has_period(self, days: int) -> Q:
        chosen = f"{self.account}__{self.field}"
        is_default = days == retention_periods.default_days(self.field)
        return Q(**{chosen: days}) | (Q(**{chosen: None}) if is_default else Q())


OPENED = Q(note_type=NoteType.LINK_FOLLOWED)
ROWS: Sequence[RetainedRows] = (
    # In two queries, because each type has its own index.
    RetainedRows("notes_days", Note, "account", "created_at", OPENED),
    RetainedRows("notes_days", Note, "account", "created_at", ~OPENED),
    RetainedRows("chats_days", Chat, "account", "updated_at"),
    RetainedRows(
        *("browsers_days", Pixel, "account", "last_seen_at"),
        condition=Q(pixelattachment=None),
    ),
    RetainedRows(
        *("deliveries_days", WebhookDelivery, "webhook__account", "created_at")
    ),
    RetainedRows("log_days", SecurityEvent, "account", "hour"),
    RetainedRows("log_days", LogEntry, "user__account", "action_time"),
)


@dataclass(frozen=True, slots=True)
class Outlook:
    """An account's period for one kind of rows, and how many expire within a week.

    With `days` None, they are kept. A `count` above MAX_COUNT is a lower bound; None is
    unknown.
    """

    field: str
    days: int | None
    count: int | None


def run(deadline: float) -> dict[str, int]:
    """Delete and redact until this monotonic time; return the counts by table.

    Each table has its share of the time, and an error of one stops no other.
    """
    done: Counter[str] = Counter()
    passes = list(_passes())
    for number, (name, counts) in enumerate(passes):
        share = (deadline - time.monotonic()) / (len(passes) - number)
        done[name] += _run_pass(name, counts, time.monotonic() + share)
    return dict(done)


def count_expired() -> dict[str, int]:
    """Return how many rows a run without a deadline would redact or delete."""
    now = timezone.now()
    counts = Counter(
        {
            "visit": visits.count(visits.VISITS),
            "visit details": visits.count(visits.DETAILS),
        }
    )
    for kind in ROWS:
        counts[_name(kind)] += sum(each.count() for each in kind.expired(now))
    return dict(counts)


def outlook(account: Account) -> list[Outlook]:
    """Return the periods of the account, and what expires within seven days."""
    return _outlooks(account, account, FIELDS)


def shortened(before: Account, after: Account) -> list[Outlook]:
    """Return what expires within seven days, by the periods that became shorter."""
    names = [name for name in FIELDS if _is_shorter(before, after, name)]
    return _outlooks(before, after, names)


def _is_shorter(before: Account, after: Account, name: str) -> bool:
    old = retention_periods.days_of(before, name)
    new = retention_periods.days_of(after, name)
    return new is not None and (old is None or new < old)


def _outlooks(before: Account, after: Account, names: Sequence[str]) -> list[Outlook]:
    """Count the rows that the account still has and that expire within seven days."""
    until = timezone.now() + timedelta(days=NEXT_DAYS)
    days = {name: retention_periods.days_of(after, name) for name in names}
    rows = _count_rows(after, [name for name in names if days[name]], until)
    of_visits = {
        name: _count_visits(after, name, period, _oldest(before, name), until)
        for name, period in days.items()
        if period and name in (visits.DETAILS, visits.VISITS)
    }
    counts: dict[str, int | None] = {**rows, **of_visits}
    return [Outlook(name, days[name], counts.get(name, 0)) for name in names]


def _count_rows(
    account: Account, names: Collection[str], until: datetime
) -> dict[str, int | None]:
    """Count rows by field; None for one that takes too long, and for all after it."""
    counts: dict[str, int | None] = dict.fromkeys(names)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {PREVIEW_MILLISECONDS}")
            for name in names:
                expired = [k.of(account, until) for k in ROWS if k.field == name]
                counts[name] = sum(rows[: MAX_COUNT + 1].count() for rows in expired)
            cursor.execute("SET LOCAL statement_timeout = DEFAULT")
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
    return counts


def _passes() -> Iterator[tuple[str, Iterator[int]]]:
    yield "visit", visits.delete_visits()
    for kind in ROWS:
        yield _name(kind), _delete(kind)
    yield "visit details", visits.redact_details()


def _run_pass(name: str, counts: Iterator[int], until: float) -> int:
    """Return the count; the next run continues, also after an error."""
    done = 0
    try:
        for count in counts:
            done += count
            if time.monotonic() > until:
                break
    except DatabaseError:
        logger.exception("retention of %s failed", name)
    return done


def _name(kind: RetainedRows) -> str:
    return str(kind.model._meta.model_name)


def _delete(kind: RetainedRows) -> Iterator[int]:
    """Delete batch by batch; rows that others have locked just now are left out."""
    for rows in kind.expired(timezone.now()):
        count = BATCH_SIZE
        while count == BATCH_SIZE:
            with transaction.atomic():
                locked = rows.select_for_update(of=("self",), skip_locked=True)
                pks = list(locked.values_list("pk", flat=True)[:BATCH_SIZE])
                count = len(pks)
                kind.model._default_manager.filter(pk__in=pks).delete()
            yield count


def _oldest(account: Account, name: str) -> datetime:
    """Return the approximate time of the oldest visit that the account still has."""
    days = retention_periods.days_of(account, name)
    if days is None:
        return partitions.oldest_month()
    return visits.kept_since(name, days, timezone.now())


def _count_visits(
    account: Account,
    name: str,
    days: int,
    since: datetime,
    until: datetime,
) -> int:
    """Count by the daily counts, which stay when visits are deleted."""
    counts = AccountDailyVisits.objects.filter(
        account=account,
        day__gte=since.date(),
        day__lt=visits.kept_since(name, days, until).date(),
    )
    return int(counts.aggregate(total=Sum("visits"))["total"] or 0)
