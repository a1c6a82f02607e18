"""How the service stands, in numbers: asked for by `/readyz` and by the metrics.

Each is one query over an index, however many visits there are.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from shortlinks.domain.links import redis_cache
from shortlinks.models import Heartbeat, Visit

MAX_COUNTED = 100_000

DUE = """
SELECT count(*), extract(epoch FROM now() - min(due_at))::float8
FROM (SELECT due_at FROM shortlinks_visit WHERE due_at <= now()
      ORDER BY due_at LIMIT %s) AS due
"""
ROLLUPS_DUE = """
SELECT extract(epoch FROM now() - created_at)::float8 FROM shortlinks_dailyvisitsdelta
ORDER BY id LIMIT 1
"""
MONTHS_AHEAD = """
SELECT coalesce(min(ahead) FILTER (WHERE to_regclass(name) IS NULL), %(most)s + 1) - 1
FROM generate_series(0, %(most)s) AS ahead,
     to_char(date_trunc('month', now() AT TIME ZONE 'UTC')
             + make_interval(months => ahead), '"shortlinks_visit_"YYYY_MM') AS name
"""


@dataclass(frozen=True, slots=True)
class Backlog:
    """Visits that are due now, 100,000 at the most; the age in seconds."""

    visits: int
    oldest_seconds: float


def backlog() -> Backlog:
    with connection.cursor() as cursor:
        cursor.execute(DUE, [MAX_COUNTED])
        count, age = cursor.fetchone()
    return Backlog(count, age or 0.0)


def dead_lettered_count() -> int:
    """Visits that could not be followed up and wait for an administrator."""
    return Visit.objects.dead_lettered()[:MAX_COUNTED].count()


def rollup_lag_seconds() -> float:
    """For how many seconds the oldest count has waited to be summed (ADR 28)."""
    with connection.cursor() as cursor:
        cursor.execute(ROLLUPS_DUE)
        oldest = cursor.fetchone()
    return max(oldest[0], 0.0) if oldest else 0.0


def partition_months_ahead(most: int = 12) -> int:
    """For how many months after this one partitions are there; -1: not for this one."""
    with connection.cursor() as cursor:
        cursor.execute(MONTHS_AHEAD, {"most": most})
        return int(cursor.fetchone()[0])


def last_worker_heartbeat() -> datetime | None:
    """When a worker last did what it was asked for."""
    latest = Heartbeat.objects.order_by("-beat_at").first()
    return latest.beat_at if latest else None


def last_beat() -> datetime | None:
    """When beat last sent what was due; redis.RedisError while Redis is away."""
    return redis_cache.last_beat_at()
