"""Create partitions and delete expired salts."""

from datetime import date, timedelta

from django.db import connection
from django.utils import timezone

from shortlinks.models import DailySalt

MONTHS_AHEAD = 3
SALT_TTL = timedelta(hours=48)


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


def delete_expired_salts() -> int:
    """Delete salts after 48 hours, so that their hashes identify nobody."""
    oldest = (timezone.now() - SALT_TTL).date()
    dropped, _ = DailySalt.objects.filter(day__lte=oldest).delete()
    return dropped
