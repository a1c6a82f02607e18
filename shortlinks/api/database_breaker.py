"""The circuit breaker by which the API returns 503 while Postgres is unavailable."""

import psycopg

from shortlinks.domain.circuit_breaker import CircuitBreaker
from shortlinks.domain.postgres import queries
from shortlinks.observability import metrics

RETRY_AFTER = "30"  # seconds, while the database is unavailable


def _probe() -> None:
    psycopg.connect(queries.conninfo(target_session_attrs="read-write")).close()


def _report(is_open: int) -> None:
    metrics.circuit_breakers_open.labels("postgres").set(is_open)


breaker = CircuitBreaker("Postgres", _probe, on_change=_report)
