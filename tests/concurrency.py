"""Acts that happen at the same moment, in a thread with a connection of its own."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

from django.db import connection

from tests import services

T = TypeVar("T")

BLOCKED_SECONDS = 0.5  # what does not wait for a lock takes less
BLOCKED = """
SELECT count(*) FROM pg_locks
WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))
"""


def in_own_connection(act: Callable[[], T]) -> T:
    """Do it in a thread, whose connection to the database is closed afterwards."""
    try:
        return act()
    finally:
        connection.close()


def wait_until_blocked() -> None:
    """Wait until another connection waits for a lock that this one has."""
    services.wait_for(_is_any_blocked, seconds=10)


def _is_any_blocked() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(BLOCKED)
        return bool(cursor.fetchone()[0])


def during(
    sql: str, act: Callable[[], Any], work: Callable[[], Any]
) -> list[Future[Any]]:
    """Start the act in a thread before the work first sends the statement."""
    futures: list[Future[Any]] = []
    with ThreadPoolExecutor(1) as thread:

        def act_first(execute: Any, text: str, *arguments: Any) -> Any:
            if text == sql and not futures:
                futures.append(thread.submit(in_own_connection, act))
                wait(futures, BLOCKED_SECONDS)
            return execute(text, *arguments)

        with connection.execute_wrapper(act_first):
            work()
    assert futures
    return futures
