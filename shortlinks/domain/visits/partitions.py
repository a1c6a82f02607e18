"""Create partitions and delete expired salts."""

from datetime import UTC, date, datetime, timedelta

from django.db import connection
from django.utils import timezone

from shortlinks.models import DailySalt

MONTHS_AHEAD = 3
SALT_TTL = timedelta(hours=48)
SELECT_FIRST = """
SELECT min(relname) FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = 'shortlinks_visit'::regclass AND relname <> 'shortlinks_visit_default'
"""


def create_partitions(today: date | None = None) -> list[date]:
    """Create missing partitions of this month and the next three."""
    month = (today or timezone.now().date()).replace(day=1)
    months = [month]
    for _ in range(MONTHS_AHEAD):
        month = (month + timedelta(days=32)).replace(day=1)
        months.append(month)
    with connection.cursor() as cursor:
        for month in months:
            cursor.execute("SELECT shortlinks_add_visit_partition(%s)", [month])
    return months


def oldest_month() -> datetime:
    """Return the start of the oldest partition of a month."""
    with connection.cursor() as cursor:
        cursor.execute(SELECT_FIRST)
        [(name,)] = cursor.fetchall()
    return datetime.strptime(name, "shortlinks_visit_%Y_%m").replace(tzinfo=UTC)


def delete_expired_salts() -> int:
    """Delete salts after 48 hours, so that their hashes identify nobody."""
    oldest = (timezone.now() - SALT_TTL).date()
    dropped, _ = DailySalt.objects.filter(day__lte=oldest).delete()
    return dropped
