"""Heartbeats of worker and beat, for `/readyz` and the metrics.

The worker's is in Postgres, because a worker needs it. Beat's is in Redis, the store
that receives its messages.
"""

from datetime import datetime

from django.conf import settings
from django.utils import timezone

from shortlinks.domain import redis_client
from shortlinks.models import Heartbeat

BEAT_KEY = f"{settings.REDIS_KEY_PREFIX}last-beat-at"


def record_worker() -> None:
    """Store the time at which a worker processed a task."""
    Heartbeat.objects.update_or_create(
        name="worker", defaults={"beat_at": timezone.now()}
    )


def last_worker() -> datetime | None:
    """Return when a worker last processed a heartbeat task."""
    latest = Heartbeat.objects.order_by("-beat_at").first()
    return latest.beat_at if latest else None


def record_beat() -> None:
    """Store the time at which beat sent its tasks; raise RedisError."""
    redis_client.client().set(BEAT_KEY, timezone.now().isoformat())


def last_beat() -> datetime | None:
    """Return when beat last sent its tasks; raise RedisError."""
    value = redis_client.client().get(BEAT_KEY)
    return datetime.fromisoformat(value.decode()) if isinstance(value, bytes) else None
