"""A connection to Postgres that is given up rather than waited for."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.rows import TupleRow

from shortlinks.redirects.circuit_breaker import CircuitBreaker, StoreUnavailable

Row = TupleRow


class Connection:
    """One autocommitting connection, opened when needed; for one caller at a time.

    Only for statements that may run twice: one that is cut is tried again on a new
    connection. One that overstays its time is abandoned with its connection: psycopg
    would wait for its own cancel, so the socket is hung up instead (DESIGN 3).
    """

    def __init__(self, conninfo: str, *, timeout: float) -> None:
        self._conninfo = conninfo
        self._timeout = timeout
        self._connection: psycopg.AsyncConnection[Row] | None = None

    async def execute(
        self, query: str, parameters: Mapping[str, Any] | None = None
    ) -> list[Row]:
        """The rows, within the time; TimeoutError or psycopg.Error otherwise."""
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
                was_given_up = self._connection is not connection
                if was_given_up or not connection.closed:
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
            _close_socket(connection.fileno())


class GuardedConnection:
    """A connection behind a breaker: while Postgres is away, Away at once."""

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

    async def close(self) -> None:
        await self._connection.close()


async def _run(
    connection: psycopg.AsyncConnection[Row],
    query: str,
    parameters: Mapping[str, Any] | None,
) -> list[Row]:
    cursor = await connection.execute(query, parameters)
    return await cursor.fetchall() if cursor.description else []


def _close_socket(descriptor: int) -> None:
    """Let the waiting statement read an end of file, and so end itself.

    Closing the descriptor would leave the loop watching a number that the next
    connection may get.
    """
    duplicate = socket.socket(fileno=os.dup(descriptor))
    with duplicate, contextlib.suppress(OSError):
        duplicate.shutdown(socket.SHUT_RDWR)


def _ignore_result(task: "asyncio.Task[list[Row]]") -> None:
    """Take notice of an abandoned statement's end, so that asyncio keeps quiet."""
    if not task.cancelled():
        task.exception()
