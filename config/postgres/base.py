"""`ENGINE = "config.postgres"`: a Postgres that hangs is given up.

The server's own statement_timeout ends what is slow; it cannot end a wait for a server
that has stopped answering at all (a frozen host, a dead network path).
"""

from typing import Any, TypeVar

import psycopg
from django.conf import settings
from django.db.backends.postgresql import base
from django.db.backends.postgresql.psycopg_any import IsolationLevel
from psycopg import errors
from psycopg.abc import PQGen

T = TypeVar("T")

# The server is asked to end a statement first; it has this much longer to say so.
GRACE_SECONDS = 1.0


class BoundedConnection(psycopg.Connection[Any]):
    """Waits no longer for an answer than STATEMENT_TIMEOUT and a second."""

    def wait(
        self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None
    ) -> T:
        bound = settings.STATEMENT_TIMEOUT + GRACE_SECONDS
        if timeout is not None or bound <= GRACE_SECONDS:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, bound)
        except errors._WaitTimeout:
            self.pgconn.finish()
            raise psycopg.OperationalError("Postgres did not answer in time") from None


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        self.isolation_level = IsolationLevel.READ_COMMITTED
        return BoundedConnection.connect(**conn_params)
