"""Checks of the parts of the service, for `/readyz`."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import psycopg
import redis
from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from shortlinks.domain import redis_client
from shortlinks.domain.monitoring import gauges, heartbeats
from shortlinks.domain.postgres import queries
from shortlinks.domain.visits.spool import SpoolStatus
from shortlinks.domain.webhooks import due_deliveries

# Beat and worker record one every 15 s, the worker through its own queue.
MAX_HEARTBEAT_AGE = timedelta(seconds=60)
# Beat sweeps every 5 s, so older visits or events mean that no worker processes them.
MAX_BACKLOG_AGE = timedelta(seconds=120)
MIN_FREE_BYTES = 64 * 1024**2
NEARLY_FULL_RATIO = 0.9  # of SPOOL_MAX_MB


@dataclass(frozen=True, slots=True)
class Check:
    """A check; if a required one fails, the process is unready."""

    name: str
    ok: bool
    detail: str = ""
    is_required: bool = False


def report(
    checks: list[Check], *, with_details: bool = True
) -> tuple[int, dict[str, Any]]:
    """Return status and body of `/readyz`: 200 if ready or degraded, 503 if unready.

    The details are for internal clients; others must not learn about the parts.
    """
    failed = [check for check in checks if not check.ok]
    is_unready = any(check.is_required for check in failed)
    status = "unready" if is_unready else "degraded" if failed else "ready"
    body: dict[str, Any] = {"status": status}
    if with_details:
        body["checks"] = {check.name: _represent(check) for check in checks}
    return (503 if is_unready else 200), body


def check_web() -> list[Check]:
    """Check Postgres with a new connection first, because its timeout is only 2 s."""
    postgres, redis_and_beat = _postgres(), [_redis(), *_beat()]
    if not postgres.ok:
        return [postgres, *redis_and_beat]
    try:
        migrations = _migrations()
        if not migrations.ok:  # the other checks query tables that may not exist
            return [postgres, migrations, *redis_and_beat]
        return [
            *(postgres, migrations, *redis_and_beat, _worker()),
            *(_backlog(), _dead_lettered(), _webhooks(), _partitions()),
        ]
    except Error as error:
        return [_postgres_unavailable(error), *redis_and_beat]


def check_redirects(
    *, postgres_error: str, redis_error: str, lost: int, disk: SpoolStatus
) -> list[Check]:
    """Never report unready: cached links redirect, and visits are spooled.

    An error is the name of an exception, or empty if the store responds.
    """
    waiting, bad = disk.waiting_bytes, disk.bad_bytes
    return [
        Check("postgres", ok=not postgres_error, detail=postgres_error),
        Check("redis", ok=not redis_error, detail=redis_error),
        Check("spool", ok=not waiting, detail=f"{waiting} bytes wait"),
        Check("spool_bad", ok=not bad, detail=f"{bad} bytes quarantined"),
        _spool_disk(disk),
        Check("lost_visits", ok=not lost, detail=str(lost)),
    ]


def check_worker(*, pool_waits: float, longest: float) -> list[Check]:
    """Check that the pool ends tasks; `pool_waits` is the time since one ended."""
    is_ok = pool_waits <= longest
    detail = "" if is_ok else f"no task has ended for {pool_waits:.0f} s"
    pool = Check("pool", ok=is_ok, detail=detail, is_required=True)
    return [_postgres(), replace(_redis(), is_required=True), pool]


def check_beat(*, silence: float, longest: float) -> list[Check]:
    """Check that beat sends messages; `silence` is the time since the last one."""
    is_ok = silence <= longest
    detail = f"nothing sent for {silence:.0f} s"
    schedule = Check("schedule", ok=is_ok, detail=detail, is_required=True)
    return [replace(_redis(), is_required=True), schedule]


def _represent(check: Check) -> dict[str, Any]:
    shown = asdict(check)
    return {"ok": shown["ok"], "detail": shown["detail"]}


def _postgres() -> Check:
    try:
        psycopg.connect(queries.conninfo(target_session_attrs="read-write")).close()
    except psycopg.Error as error:
        return _postgres_unavailable(error)
    return Check("postgres", ok=True, is_required=True)


def _postgres_unavailable(error: Exception) -> Check:
    detail = type(error).__name__
    return Check("postgres", ok=False, detail=detail, is_required=True)


def _migrations() -> Check:
    executor = MigrationExecutor(connection)
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    detail = f"{missing} not applied" if missing else ""
    return Check("migrations", ok=not missing, detail=detail, is_required=True)


def _redis() -> Check:
    try:
        redis_client.ping()
    except redis.RedisError as error:
        return Check("redis", ok=False, detail=type(error).__name__)
    return Check("redis", ok=True)


def _worker() -> Check:
    return _heartbeat("worker", heartbeats.last_worker())


def _beat() -> list[Check]:
    """Return beat's check, or none while Redis is unavailable."""
    try:
        return [_heartbeat("beat", heartbeats.last_beat())]
    except redis.RedisError:
        return []


def _heartbeat(name: str, beat_at: datetime | None) -> Check:
    if beat_at is None:
        return Check(name, ok=False, detail="no heartbeat yet")
    age = timezone.now() - beat_at
    return Check(name, ok=age <= MAX_HEARTBEAT_AGE, detail=_age(age))


def _backlog() -> Check:
    age = timedelta(seconds=gauges.backlog().oldest_seconds)
    return Check("backlog", ok=age <= MAX_BACKLOG_AGE, detail=_age(age))


def _dead_lettered() -> Check:
    count = gauges.dead_lettered_count()
    return Check("dead_lettered", ok=not count, detail=f"{count} visits")


def _webhooks() -> Check:
    age = timedelta(seconds=due_deliveries.lag_seconds())
    return Check("webhooks", ok=age <= MAX_BACKLOG_AGE, detail=_age(age))


def _partitions() -> Check:
    ahead = gauges.partition_months_ahead()
    return Check("partitions", ok=ahead >= 1, detail=f"{ahead} months ahead")


def _spool_disk(disk: SpoolStatus) -> Check:
    used = disk.waiting_bytes + disk.bad_bytes
    if not disk.is_writable:
        detail = "cannot be written"
    elif disk.free_bytes < MIN_FREE_BYTES:
        detail = f"{disk.free_bytes} bytes are free"
    elif used > settings.SPOOL_MAX_BYTES * NEARLY_FULL_RATIO:
        detail = f"{used} of SPOOL_MAX_MB are taken"
    else:
        return Check("spool_disk", ok=True)
    return Check("spool_disk", ok=False, detail=detail)


def _age(age: timedelta) -> str:
    return f"{max(age.total_seconds(), 0):.0f} s old"
