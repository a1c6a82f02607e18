"""The database backend with timeouts."""

import os
import signal

import psycopg
import pytest
from django.db import OperationalError, close_old_connections, connection
from pytest_django import Settings

from shortlinks.domain.postgres import queries

PID = "SELECT pg_backend_pid()"
ECHO = "SELECT echo FROM unnest(%(numbers)s::bigint[]) AS echo"


def test_connection_is_closed_if_the_server_does_not_respond(
    transactional_db: None, settings: Settings
) -> None:
    settings.DATABASE_STATEMENT_TIMEOUT_SECONDS = 0.5
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    os.kill(pid, signal.SIGSTOP)
    try:
        with (
            pytest.raises(OperationalError, match="did not answer"),
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT 1")
    finally:
        os.kill(pid, signal.SIGCONT)
        connection.close()

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


@pytest.fixture
def pid(transactional_db: None) -> int:
    """The process of a new connection."""
    connection.close()
    [[found]] = queries.fetch_prepared(PID, [])
    return int(found)


def test_recently_used_connection_is_kept(pid: int) -> None:
    close_old_connections()  # as each request does

    assert queries.fetch_prepared(PID, []) == [(pid,)]


def test_connection_is_replaced_after_postgres_closed_it(pid: int) -> None:
    with psycopg.connect(queries.conninfo()) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    close_old_connections()  # as each request does

    [[now]] = queries.fetch_prepared(PID, [])

    assert now != pid


def test_prepared_statement_is_planned_once(pid: int) -> None:
    for count in range(10):
        queries.fetch_prepared(ECHO, {"numbers": [1] * (count + 1)})

    query = "SELECT generic_plans, custom_plans FROM pg_prepared_statements"
    assert queries.fetch_prepared(f"{query} WHERE statement ^@ 'SELECT echo'", []) == [
        (10, 0)
    ]
