"""The admin while Postgres is unavailable, hung, or ends a connection."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest
from django.conf import settings
from django.test import Client

from shortlinks.domain.postgres import queries
from tests import factories, services, stores
from tests.stores import OwnStore

SESSION = """
from django.core.management import call_command
from django.test import Client
from tests import factories
call_command("migrate", verbosity=0)
client = Client()
client.force_login(factories.admin(factories.account()))
print("session:", client.cookies["sessionid"].value)
"""
TITLES = {
    "en": "The service is temporarily unavailable",
    "ru": "Сервис временно недоступен",
}
CONTACTS = "/admin/shortlinks/contact/"


@pytest.fixture
def own_postgres() -> Iterator[OwnStore]:
    with stores.postgres() as own:
        yield own


def check(response: httpx.Response, language: str = "en") -> None:
    """Check that the response is our page, without details of the error."""
    assert response.status_code == 503
    assert response.headers["retry-after"] == "30"
    assert response.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
    assert f'<html lang="{language}">' in response.text
    assert TITLES[language] in response.text
    assert [word for word in ("Traceback", "psycopg") if word in response.text] == []


def sign_in(web: httpx.Client, session: str) -> None:
    web.cookies.set("sessionid", session)
    web.headers["Accept-Language"] = "en"


def new_session(own: OwnStore) -> str:
    """Create the tables and a signed-in user in the store."""
    done = subprocess.run(
        (sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", SESSION),
        cwd=services.ROOT,
        env={**os.environ, "DATABASE_URL": own.url},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.rpartition("session: ")[2].strip()


def test_admin_answers_503_until_a_hung_postgres_is_back(
    own_postgres: OwnStore, tmp_path: Path
) -> None:
    session = new_session(own_postgres)
    with services.web(tmp_path, DATABASE_URL=own_postgres.url) as web:
        sign_in(web, session)
        assert web.get(CONTACTS).status_code == 200

        with own_postgres.hung():
            for path in (CONTACTS, CONTACTS, "/admin/login/", "/admin/nowhere/"):
                check(web.get(path))
            check(web.get(CONTACTS, headers={"Accept-Language": "ru"}), "ru")
            saved = web.post(CONTACTS, data={"action": "x"})

        check(saved)
        assert "your entries are still in the form" in saved.text
        services.wait_for(lambda: web.get(CONTACTS).status_code == 200)


def test_admin_answers_503_if_postgres_refuses_connections(tmp_path: Path) -> None:
    nowhere = f"postgres://x:x@127.0.0.1:{services.free_port()}/x"
    with services.web(tmp_path, DATABASE_URL=nowhere) as web:
        sign_in(web, "a-session")

        for _ in range(2):
            check(web.get(CONTACTS))


def test_admin_answers_503_if_its_connection_ends_within_a_request(
    web: httpx.Client, transactional_db: None
) -> None:
    client = Client()
    client.force_login(factories.admin(factories.account()))
    sign_in(web, client.cookies[settings.SESSION_COOKIE_NAME].value)

    with psycopg.connect(queries.conninfo()) as other, ThreadPoolExecutor(1) as pool:
        other.execute("LOCK TABLE shortlinks_contact IN ACCESS EXCLUSIVE MODE")
        response = pool.submit(web.get, CONTACTS)
        services.wait_for(_end_waiting, seconds=5)

        check(response.result(10))
    services.wait_for(lambda: web.get(CONTACTS).status_code == 200)


def _end_waiting() -> bool:
    """End the connection that waits for the lock; return whether there was one."""
    with psycopg.connect(queries.conninfo()) as other:
        ended = other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(ended.rowcount)
