"""Whether the parts of the service are there: what `/readyz` tells, by name."""

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import psycopg
import redis
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from shortlinks.domain import cached_links, database
from shortlinks.models import Heartbeat, Visit

# Beat sends a heartbeat through the worker every 15 s.
OLDEST_HEARTBEAT = timedelta(seconds=60)
# Beat sweeps every 5 s, so visits that wait longer have nobody to follow them up.
OLDEST_BACKLOG = timedelta(seconds=120)


@dataclass(frozen=True, slots=True)
class Check:
    """`is_vital`: without it the process cannot do its work at all."""

    name: str
    is_ok: bool
    detail: str = ""
    is_vital: bool = False


def report(checks: list[Check]) -> tuple[int, dict[str, Any]]:
    """The status code and body of `/readyz`: ready, degraded (200) or unready (503)."""
    failed = [check for check in checks if not check.is_ok]
    is_unready = any(check.is_vital for check in failed)
    status = "unready" if is_unready else "degraded" if failed else "ready"
    body = {
        "status": status,
        "checks": {check.name: _words(check) for check in checks},
    }
    return (503 if is_unready else 200), body


def of_web() -> list[Check]:
    """Postgres is asked on a new connection first: one that hangs costs 2 s."""
    postgres = _postgres()
    if not postgres.is_ok:
        return [postgres, _redis()]
    try:
        return [postgres, _migrations(), _redis(), _worker(), _backlog()]
    except Error as error:
        return [_no_postgres(error), _redis()]


def _words(check: Check) -> dict[str, Any]:
    shown = asdict(check)
    return {"ok": shown["is_ok"], "detail": shown["detail"]}


def _postgres() -> Check:
    try:
        psycopg.connect(database.conninfo()).close()
    except psycopg.Error as error:
        return _no_postgres(error)
    return Check("postgres", is_ok=True, is_vital=True)


def _no_postgres(error: Exception) -> Check:
    detail = type(error).__name__
    return Check("postgres", is_ok=False, detail=detail, is_vital=True)


def _migrations() -> Check:
    executor = MigrationExecutor(connection)
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    detail = f"{missing} not applied" if missing else ""
    return Check("migrations", is_ok=not missing, detail=detail, is_vital=True)


def _redis() -> Check:
    try:
        cached_links.ping()
    except redis.RedisError as error:
        return Check("redis", is_ok=False, detail=type(error).__name__)
    return Check("redis", is_ok=True)


def _worker() -> Check:
    latest = Heartbeat.objects.order_by("-beat_at").first()
    if latest is None:
        return Check("worker", is_ok=False, detail="no heartbeat yet")
    age = timezone.now() - latest.beat_at
    return Check("worker", is_ok=age <= OLDEST_HEARTBEAT, detail=_age(age))


def _backlog() -> Check:
    oldest = Visit.objects.filter(due_at__isnull=False).order_by("due_at").first()
    age = timezone.now() - oldest.due_at if oldest and oldest.due_at else timedelta()
    return Check("backlog", is_ok=age <= OLDEST_BACKLOG, detail=_age(age))


def _age(age: timedelta) -> str:
    return f"{max(age.total_seconds(), 0):.0f} s old"
