"""What the tables need from time to time."""

from datetime import date, timedelta

from django.db import connection
from django.utils import timezone

from shortlinks.models import DailySalt, Heartbeat

MONTHS_AHEAD = 3
SALT_TTL = timedelta(hours=48)


def create_partitions(today: date | None = None) -> list[date]:
    """Make the partitions of this month and the next three, if they are missing."""
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
    """Forget the keys that began 48 hours ago: their hashes name nobody any more."""
    oldest = (timezone.now() - SALT_TTL).date()
    dropped, _ = DailySalt.objects.filter(day__lte=oldest).delete()
    return dropped


def record_worker_heartbeat() -> None:
    """Tell `/readyz` that a worker is at work; it asked for this itself."""
    Heartbeat.objects.update_or_create(
        name="worker", defaults={"beat_at": timezone.now()}
    )
