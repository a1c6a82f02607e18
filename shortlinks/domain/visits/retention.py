"""Redact the details of old visits, and delete old visits, by the account's periods.

For each period in use, a watermark stores the last visit that was examined, so that no
visit is read twice. It starts again when an account chooses another period. Daily
counts and notes stay. No rule changes the verdict of a redacted visit.
"""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.utils import timezone
from psycopg.errors import LockNotAvailable

from shortlinks.domain import retention_periods
from shortlinks.domain.postgres import arrays
from shortlinks.domain.visits import visit_records
from shortlinks.models import Account, RetentionDays, Watermark

DETAILS, VISITS = "visit_details_days", "visits_days"
BATCH_SIZE = 5000
BEFORE_ALL = UUID(int=0)

REDACTED = """
is_redacted = true, address = NULL, user_agent = '', accept_language = '', referer = '',
sec_fetch = '', purpose = '', accepts_html = DEFAULT
"""
# A visit that is not processed yet keeps its details, because its verdict needs them.
EXPIRES = {
    DETAILS: "NOT visit.is_redacted AND visit.processed_at IS NOT NULL",
    VISITS: "visit.due_at IS NULL",
}
# A visit has expired if its account has this period or a shorter one. Visits of lost
# links have no account, so the default applies.
PAGE = """
WITH page AS MATERIALIZED (
  SELECT id FROM shortlinks_visit
  WHERE id > %(after)s AND id < %(until)s ORDER BY id LIMIT %(page)s
), expired AS (
  SELECT visit.id FROM page JOIN shortlinks_visit AS visit USING (id)
  LEFT JOIN shortlinks_shortlink AS link ON link.id = visit.link_id
  LEFT JOIN shortlinks_account AS account ON account.id = link.account_id
  WHERE coalesce(account.{field}, %(default)s) {compared} %(days)s AND {expires}
    AND visit.id > %(after)s AND visit.id < %(until)s
), changed AS ({action})
SELECT (SELECT count(*) FROM changed), (SELECT max(id::text)::uuid FROM page)
"""
COUNT = "SELECT FROM expired"
REDACT = f"""
UPDATE shortlinks_visit AS visit SET {REDACTED} FROM expired
WHERE visit.id = expired.id AND visit.id > %(after)s AND visit.id < %(until)s
RETURNING 1
"""  # noqa: S608  built from constants
DELETE = """
DELETE FROM shortlinks_visit AS visit USING expired
WHERE visit.id = expired.id AND visit.id > %(after)s AND visit.id < %(until)s
RETURNING 1
"""
# Visits of these ids that a pass had examined before they were processed.
LATE = """
shortlinks_visit AS visit
LEFT JOIN shortlinks_shortlink AS link ON link.id = visit.link_id
LEFT JOIN shortlinks_account AS account ON account.id = link.account_id
WHERE visit.id = ANY(%(ids)s::uuid[]) AND visit.id BETWEEN %(first)s AND %(last)s
  AND shortlinks_visit.id = visit.id
  AND shortlinks_visit.id BETWEEN %(first)s AND %(last)s
  AND EXISTS (SELECT FROM shortlinks_watermark AS mark
              WHERE mark.name LIKE %({marks})s AND visit.id <= mark.visit)
  AND {expires} AND visit.id < shortlinks_first_uuid7({kept_since})
"""
REDACT_LATE = f"UPDATE shortlinks_visit SET {REDACTED} FROM {LATE}".format(  # noqa: S608
    marks="details",
    expires=EXPIRES[DETAILS],
    kept_since=f"now() - coalesce(account.{DETAILS}, %(default)s) * interval '1 day'",
)
DELETE_LATE = f"DELETE FROM shortlinks_visit USING {LATE}".format(  # noqa: S608
    marks="visits",
    expires=EXPIRES[VISITS],
    kept_since=f"""date_trunc(
      'month', now() - account.{VISITS} * interval '1 day', 'UTC')""",
)
DROP_PARTITION = "SELECT shortlinks_drop_visit_partition(%(before)s)"


def redact_details() -> Iterator[int]:
    """Redact page by page, one transaction each; yield the count of each page."""
    return _work(DETAILS, REDACT)


def delete_visits() -> Iterator[int]:
    """Drop whole months that no account keeps, then delete visits page by page."""
    drop_partitions()
    return _work(VISITS, DELETE)


def drop_partitions() -> list[str]:
    """Drop the partitions that no account keeps, and return their names.

    If the table is in use, a later run drops them, so that redirects need not wait.
    """
    before = _oldest_kept()
    dropped: list[str] = []
    try:
        while before is not None and (name := _drop_partition(before)):
            dropped.append(name)
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable):
            raise
    return dropped


def count(field: str) -> int:
    """Return about how many visits would be redacted or deleted now."""
    return sum(
        changed
        for days in retention_periods.periods_in_use(field)
        for changed in _count_pages(field, days)
    )


def expire_late(ids: Collection[UUID]) -> None:
    """Redact or delete visits that were processed after the watermark passed them.

    This happens to dead-lettered visits and to old files of the spool.
    """
    default = retention_periods.default_days(DETAILS)
    shortest = min(RetentionDays.WEEK.value, default or RetentionDays.WEEK.value)
    cutoff = visit_records.id_at(retention_periods.cutoff(shortest, timezone.now()))
    if not (late := [id_ for id_ in ids if id_ < cutoff]):
        return
    parameters: dict[str, Any] = {
        "ids": late,
        "first": min(late),
        "last": max(late),
        "default": default,
        "details": f"{DETAILS} %",
        "visits": f"{VISITS} %",
    }
    with connection.cursor() as cursor:
        cursor.execute(REDACT_LATE, arrays.encode_params(parameters))
        cursor.execute(DELETE_LATE, arrays.encode_params(parameters))


def _drop_partition(before: datetime) -> str | None:
    with connection.cursor() as cursor:
        cursor.execute(DROP_PARTITION, {"before": before})
        name: str | None = cursor.fetchone()[0]
    return name


def _work(field: str, action: str) -> Iterator[int]:
    for days in retention_periods.periods_in_use(field):
        name = _mark_name(field, days)
        _delete_earlier_marks(name)
        while True:
            with transaction.atomic():
                mark = _locked_mark(name)
                changed, last = _page(field, days, action, mark.visit)
                if last is None:
                    break
                mark.visit = last
                mark.save()
            yield changed


def _count_pages(field: str, days: int) -> Iterator[int]:
    row = Watermark.objects.filter(name=_mark_name(field, days)).first()
    last: UUID | None = row.visit if row else BEFORE_ALL
    while last is not None:
        changed, last = _page(field, days, COUNT, last)
        yield changed


def _page(field: str, days: int, action: str, after: UUID) -> tuple[int, UUID | None]:
    parameters: dict[str, Any] = {
        "after": after,
        "until": _until(field, days),
        "page": BATCH_SIZE,
        "days": days,
        "default": retention_periods.default_days(field),
    }
    with connection.cursor() as cursor:
        # A dry run changes nothing, so each visit must count in one pass only.
        compared = "=" if action == COUNT else "<="
        names = {"field": field, "expires": EXPIRES[field], "compared": compared}
        page = PAGE.format(**names, action=action)
        cursor.execute(page, parameters)
        changed, last = cursor.fetchone()
    return changed, last


def kept_since(field: str, days: int, now: datetime) -> datetime:
    """Return the time since which visits are kept; whole months are deleted."""
    cutoff = retention_periods.cutoff(days, now)
    return _month(cutoff) if field == VISITS else cutoff


def _until(field: str, days: int) -> UUID:
    return visit_records.id_at(kept_since(field, days, timezone.now()))


def _month(time: datetime) -> datetime:
    return time.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _oldest_kept() -> datetime | None:
    """Return the oldest month that an account keeps, or None if one keeps all."""
    periods = retention_periods.periods_in_use(VISITS)
    keeps_all = Account.objects.filter(**{VISITS: None}).exists()
    if not periods or keeps_all:
        return None
    return kept_since(VISITS, periods[-1], timezone.now())


def _delete_earlier_marks(name: str) -> None:
    """Delete the watermarks of this period for other sets of accounts."""
    prefix = name.rpartition(" ")[0]
    Watermark.objects.filter(name__startswith=f"{prefix} ").exclude(name=name).delete()


def _locked_mark(name: str) -> Watermark:
    mark, _ = Watermark.objects.select_for_update().get_or_create(
        name=name, defaults={"visit": BEFORE_ALL}
    )
    return mark


def _mark_name(field: str, days: int) -> str:
    return f"{field} {days} {retention_periods.signature(field, days)}"
