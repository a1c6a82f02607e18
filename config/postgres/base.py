"""Close connections to a Postgres that has stopped responding.

The statement_timeout of the server ends slow statements. It does not help if the server
itself is frozen or cannot be reached.
"""

import select
import time
from typing import Any, TypeVar

import psycopg
from django.conf import settings
from django.db.backends.postgresql import base
from django.db.backends.postgresql.psycopg_any import IsolationLevel
from django.db.backends.utils import CursorWrapper
from psycopg import errors
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg.types.datetime import TimestamptzLoader

T = TypeVar("T")

# The time that the server has to report that it ended a statement.
CANCEL_GRACE_SECONDS = 1.0
# A connection that was used within this time is not tested before it is used again.
RECENT_USE_SECONDS = 5.0


class TimeoutConnection(psycopg.Connection[Any]):
    """Waits for a response for DATABASE_STATEMENT_TIMEOUT_SECONDS and a second."""

    used_at = 0.0

    def wait(
        self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None
    ) -> T:
        self.used_at = time.monotonic()
        limit = settings.DATABASE_STATEMENT_TIMEOUT_SECONDS + CANCEL_GRACE_SECONDS
        if timeout is not None or limit <= CANCEL_GRACE_SECONDS:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, limit)
        except errors._WaitTimeout:
            self.pgconn.finish()
            raise psycopg.OperationalError("Postgres did not answer in time") from None

    def was_used_recently(self) -> bool:
        """Return whether the connection was used recently and is still open.

        This saves each request a round trip. A closed socket is readable.
        """
        if time.monotonic() - self.used_at > RECENT_USE_SECONDS or self.closed:
            return False
        if self.info.transaction_status is not TransactionStatus.IDLE:
            return False
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        return not poll.poll(0)


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        self.isolation_level = IsolationLevel.READ_COMMITTED
        # Only for `prepared_cursor`: Django's own cursors never prepare statements.
        return TimeoutConnection.connect(**conn_params | {"prepare_threshold": 0})

    def is_usable(self) -> bool:
        current = self.connection
        if isinstance(current, TimeoutConnection) and current.was_used_recently():
            return True
        return super().is_usable()

    def prepared_cursor(self) -> CursorWrapper:
        """Return a cursor for recurring statements, which Postgres plans once."""
        return self._wrapped(psycopg.Cursor)

    def bulk_cursor(self) -> CursorWrapper:
        """Return a cursor for many rows, whose times are parsed in C."""
        return self._wrapped(_BulkCursor)

    def _wrapped(self, factory: type[psycopg.Cursor[Any]]) -> CursorWrapper:
        self.close_if_health_check_failed()
        self.ensure_connection()
        with self.wrap_database_errors:
            wrapped: CursorWrapper = self._prepare_cursor(  # type: ignore[attr-defined]
                factory(self.connection)
            )
            return wrapped


class _BulkCursor(psycopg.ClientCursor[Any]):
    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        super().__init__(connection)
        self.adapters.register_loader("timestamptz", TimestamptzLoader)
