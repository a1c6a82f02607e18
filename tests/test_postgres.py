"""Connections to Postgres: looked at, and asked only where a look does not tell."""

import psycopg
import pytest
from django.db import close_old_connections, connection

from shortlinks.domain import database

PID = "SELECT pg_backend_pid()"


@pytest.fixture
def pid(transactional_db: None) -> int:
    """Of a new connection, which is not too old to be used again."""
    connection.close()
    [[found]] = database.rows(PID, [])
    return int(found)


def test_a_connection_in_use_is_used_again(pid: int) -> None:
    close_old_connections()  # as each request begins

    assert database.rows(PID, []) == [(pid,)]


def test_a_connection_that_postgres_ended_is_replaced(pid: int) -> None:
    with psycopg.connect(database.conninfo()) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    close_old_connections()  # as each request begins

    [[now]] = database.rows(PID, [])

    assert now != pid
