"""The connection of the redirects, with transactions of others beside it."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg.errors import DeadlockDetected

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
    breaker = CircuitBreaker("Postgres", bool)

    # Postgres ends the statement that noticed first: mostly the connection's, which
    # waits longer.
    assert any(_is_connection_ended(breaker) for _ in range(10))

    assert not breaker.is_open


def _is_connection_ended(breaker: CircuitBreaker) -> bool:
    """Return whether the connection's statement was the one that Postgres ended."""

    async def scenario() -> bool:
        connection = Connection(queries.conninfo(), timeout=20)
        guarded = GuardedConnection(connection, breaker)
        with ThreadPoolExecutor(1) as thread:
            other = thread.submit(_lock_in_other_order)
            await asyncio.to_thread(_wait_for_lock, granted=True)
            await guarded.execute(LOCK_BOTH, {"one": SECOND, "other": FIRST})
        await guarded.close()
        return other.result()

    return asyncio.run(scenario())


def _lock_in_other_order() -> bool:
    """Return whether both locks were taken, so that the other statement was ended."""
    with psycopg.connect(queries.conninfo(), autocommit=True) as own:
        own.execute("BEGIN")
        own.execute(LOCK_ONE, {"one": FIRST})
        _wait_for_lock(granted=False)
        try:
            own.execute(LOCK_ONE, {"one": SECOND})
        except DeadlockDetected:
            return False
        finally:
            own.execute("ROLLBACK")
    return True


def _wait_for_lock(*, granted: bool) -> None:
    """Wait until somebody has the first lock, or waits for it."""
    with psycopg.connect(queries.conninfo(), autocommit=True) as own:
        for _ in range(1000):
            if own.execute(LOCKS, {"one": FIRST, "granted": granted}).fetchall():
                return
            own.execute("SELECT pg_sleep(0.01)")
    raise AssertionError("nobody has the lock")
