"""The database backend gives a Postgres up that has stopped answering."""

import os
import signal

import pytest
from django.db import OperationalError, connection
from pytest_django import Settings


def test_a_server_that_stopped_answering_is_given_up(
    transactional_db: None, settings: Settings
) -> None:
    settings.STATEMENT_TIMEOUT = 0.5
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
