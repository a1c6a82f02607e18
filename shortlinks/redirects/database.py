"""A connection to Postgres that is abandoned when a statement takes too long."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.errors import DeadlockDetected, SerializationFailure
from psycopg.rows import TupleRow

from shortlinks.domain.circuit_breaker import CircuitBreaker, StoreUnavailable

Row = TupleRow


class Connection:
    """One connection with autocommit, opened when needed, for one caller at a time.

    Only for statements that may run twice. If the connection was closed, the statement
    is sent again on a new one. After a deadlock, it is sent again on the same one. A
    statement that takes too long is abandoned and its socket shut down, because psycopg
    would wait for its own cancel request.
    """

    def __init__(self, conninfo: str, *, timeout: float) -> None:
        self._conninfo = conninfo
        self._timeout = timeout
        self._connection: psycopg.AsyncConnection[Row] | None = None

    async def execute(
        self, query: str, parameters: Mapping[str, Any] | None = None
    ) -> list[Row]:
        """Return the rows; raise TimeoutError or psycopg.Error."""
        task = asyncio.create_task(self._execute(query, parameters))
        done, _ = await asyncio.wait({task}, timeout=self._timeout)
        if not done:
            self._abandon(task)
            raise TimeoutError("Postgres did not answer in time")
        return task.result()

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _execute(
        self, query: str, parameters: Mapping[str, Any] | None
    ) -> list[Row]:
        connection = self._connection
        if connection is not None:
            try:
                return await _run(connection, query, parameters)
            except psycopg.OperationalError:
                is_abandoned = self._connection is not connection
                if is_abandoned or not connection.closed:
                    raise
        self._connection = await psycopg.AsyncConnection.connect(
            self._conninfo, autocommit=True, prepare_threshold=0
        )
        return await _run(self._connection, query, parameters)

    def _abandon(self, task: "asyncio.Task[list[Row]]") -> None:
        connection, self._connection = self._connection, None
        task.add_done_callback(_ignore_result)
        if connection is None or connection.closed:
            task.cancel()
        else:
            _shut_down_socket(connection.fileno())


class GuardedConnection:
    """A connection that raises StoreUnavailable while its circuit breaker is open."""

    def __init__(self, connection: Connection, breaker: CircuitBreaker) -> None:
        self._connection = connection
        self._breaker = breaker

    async def execute(
        self, query: str, parameters: Mapping[str, Any] | None = None
    ) -> list[Row]:
        if self._breaker.is_open:
            raise StoreUnavailable
        try:
            return await self._connection.execute(query, parameters)
        except (psycopg.OperationalError, psycopg.InterfaceError, OSError) as error:
            self._breaker.trip(error)
            raise

    @property
    def last_error(self) -> str:
        return self._breaker.last_error

    async def close(self) -> None:
        await self._connection.close()


async def _run(
    connection: psycopg.AsyncConnection[Row],
    query: str,
    parameters: Mapping[str, Any] | None,
) -> list[Row]:
    try:
        cursor = await connection.execute(query, parameters)
    except (DeadlockDetected, SerializationFailure):
        # Postgres ended this transaction in favor of another, and is available.
        cursor = await connection.execute(query, parameters)
    return await cursor.fetchall() if cursor.description else []


def _shut_down_socket(descriptor: int) -> None:
    """Shut down the socket, so that the waiting statement fails.

    Do not close the descriptor: the event loop would still watch its number, which the
    next connection may get.
    """
    duplicate = socket.socket(fileno=os.dup(descriptor))
    with duplicate, contextlib.suppress(OSError):
        duplicate.shutdown(socket.SHUT_RDWR)


def _ignore_result(task: "asyncio.Task[list[Row]]") -> None:
    """Read the error of an abandoned statement, so that asyncio does not log it."""
    if not task.cancelled():
        task.exception()
