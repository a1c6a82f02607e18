"""The connection of the redirects, with transactions of others beside it."""

import asyncio
import threading

import psycopg
import pytest

from shortlinks.domain.circuit_breaker import CircuitBreaker
from shortlinks.domain.postgres import queries
from shortlinks.redirects.database import Connection, GuardedConnection

FIRST, SECOND = 7001, 7002  # advisory locks
LOCK_BOTH = "SELECT pg_advisory_xact_lock(%(one)s), pg_advisory_xact_lock(%(other)s)"
LOCK_ONE = "SELECT pg_advisory_xact_lock(%(one)s)"
LOCKS = """
SELECT 1 FROM pg_locks JOIN pg_database AS own ON own.oid = database
WHERE datname = current_database() AND locktype = 'advisory' AND objid = %(one)s
  AND granted = %(granted)s
"""


@pytest.mark.django_db(transaction=True)
def test_deadlock_is_no_outage() -> None:
    """Postgres ends the statement that waited first, which is the connection's."""
    breaker = CircuitBreaker("Postgres", bool)
    other = threading.Thread(target=_lock_in_other_order)

    async def scenario() -> None:
        connection = Connection(queries.conninfo(), timeout=20)
        guarded = GuardedConnection(connection, breaker)
        other.start()
        await asyncio.to_thread(_wait_for_lock, granted=True)
        await guarded.execute(LOCK_BOTH, {"one": SECOND, "other": FIRST})
        await guarded.close()

    asyncio.run(scenario())
    other.join()
    assert not breaker.is_open


def _lock_in_other_order() -> None:
    with psycopg.connect(queries.conninfo()) as own:
        own.execute(LOCK_ONE, {"one": FIRST})
        _wait_for_lock(granted=False)
        own.execute(LOCK_ONE, {"one": SECOND})


def _wait_for_lock(*, granted: bool) -> None:
    """Wait until somebody has the first lock, or waits for it."""
    with psycopg.connect(queries.conninfo(), autocommit=True) as own:
        for _ in range(1000):
            if own.execute(LOCKS, {"one": FIRST, "granted": granted}).fetchall():
                return
            own.execute("SELECT pg_sleep(0.01)")
    raise AssertionError("nobody has the lock")
