"""Measure the state of the service, for `/readyz` and the metrics.

Each gauge is one query of an index, whatever the number of visits.
"""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection
from django.db.models import Count, Min
from django.db.models.functions import Now
from django.utils import timezone

from shortlinks.domain import redis_client
from shortlinks.models import DailyVisitsDelta, Visit

MAX_COUNTED = 100_000

MONTHS_AHEAD = """
SELECT coalesce(min(ahead) FILTER (WHERE to_regclass(name) IS NULL), %(most)s + 1) - 1
FROM generate_series(0, %(most)s) AS ahead,
     to_char(date_trunc('month', now() AT TIME ZONE 'UTC')
             + make_interval(months => ahead), '"shortlinks_visit_"YYYY_MM') AS name
"""


@dataclass(frozen=True, slots=True)
class Backlog:
    """The number of due visits, up to 100,000, and the age of the oldest."""

    visits: int
    oldest_seconds: float


def backlog() -> Backlog:
    due = Visit.objects.filter(due_at__lte=Now()).order_by("due_at").values("due_at")
    found = due[:MAX_COUNTED].aggregate(count=Count("*"), oldest=Min("due_at"))
    return Backlog(found["count"], _age_seconds(found["oldest"]))


def dead_lettered_count() -> int:
    """Return the number of visits that wait for an administrator, up to 100,000."""
    return Visit.objects.dead_lettered()[:MAX_COUNTED].count()


def rollup_lag_seconds() -> float:
    """Return the age of the oldest change that is not in the rollups yet."""
    deltas = DailyVisitsDelta.objects.order_by("pk")
    return _age_seconds(deltas.values_list("created_at", flat=True).first())


def partition_months_ahead(most: int = 12) -> int:
    """Return for how many months after this one partitions exist, -1 if for none."""
    with connection.cursor() as cursor:
        cursor.execute(MONTHS_AHEAD, {"most": most})
        return int(cursor.fetchone()[0])


def queue_length(queue: str) -> int:
    """Return the number of messages that no worker has received yet."""
    return redis_client.client().llen(f"{settings.REDIS_KEY_PREFIX}{queue}")


def _age_seconds(since: datetime | None) -> float:
    return max((timezone.now() - since).total_seconds(), 0.0) if since else 0.0
