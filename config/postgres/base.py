"""`ENGINE = "config.postgres"`: a Postgres that hangs is given up.

The server's own statement_timeout ends what is slow; it cannot end a wait for a server
that has stopped answering at all (a frozen host, a dead network path).
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

# The server is asked to end a statement first; it has this much longer to say so.
CANCEL_GRACE_SECONDS = 1.0
# A connection that was used within these is asked nothing before it is used again.
RECENT_USE_SECONDS = 5.0


class TimeoutConnection(psycopg.Connection[Any]):
    """A connection that waits for an answer for a bounded time.

    The bound is DATABASE_STATEMENT_TIMEOUT_SECONDS and one second.
    """

    used_at = 0.0

    def wait(
        self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None
    ) -> T:
        self.used_at = time.monotonic()
        bound = settings.DATABASE_STATEMENT_TIMEOUT_SECONDS + CANCEL_GRACE_SECONDS
        if timeout is not None or bound <= CANCEL_GRACE_SECONDS:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, bound)
        except errors._WaitTimeout:
            self.pgconn.finish()
            raise psycopg.OperationalError("Postgres did not answer in time") from None

    def was_used_recently(self) -> bool:
        """Used just now, and its server has not hung up: then there is an end to read.

        A round trip less for each request than asking the server.
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
        # Of `prepared_cursor` alone: Django's own cursors never prepare.
        return TimeoutConnection.connect(**conn_params | {"prepare_threshold": 0})

    def is_usable(self) -> bool:
        ours = self.connection
        if isinstance(ours, TimeoutConnection) and ours.was_used_recently():
            return True
        return super().is_usable()

    def prepared_cursor(self) -> CursorWrapper:
        """For statements that are always the same: Postgres plans each but once."""
        return self._wrapped(psycopg.Cursor)

    def bulk_cursor(self) -> CursorWrapper:
        """For many rows: the driver reads their times in C, Django in Python."""
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
