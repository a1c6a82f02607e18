"""Connections to Postgres: looked at, and asked only where a look does not tell."""

import psycopg
import pytest
from django.db import connection

from shortlinks.domain import database

PID = "SELECT pg_backend_pid()"


@pytest.fixture
def pid(transactional_db: None) -> int:
    """Of a connection that was used just now."""
    [[found]] = database.rows(PID, [])
    return int(found)


def begin_request() -> None:
    connection.close_if_unusable_or_obsolete()
    connection.health_check_done = False
    connection.health_check_enabled = True


def test_a_connection_in_use_is_used_again(pid: int) -> None:
    begin_request()

    assert database.rows(PID, []) == [(pid,)]


def test_a_connection_that_postgres_ended_is_replaced(pid: int) -> None:
    with psycopg.connect(database.conninfo()) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    begin_request()

    [[now]] = database.rows(PID, [])

    assert now != pid
