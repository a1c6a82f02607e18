"""A batch that is sent again after an interruption returns the same links, once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings

from shortlinks.models import ShortLink, User
from tests import factories, services
from tests.processes import flaky_connection
from tests.processes.flaky_connection import FlakyConnection
from tests.services import Server

PATH = "/api/v4/short_links"
BATCH_SIZE = 100


@pytest.fixture
def connection() -> Iterator[FlakyConnection]:
    with flaky_connection.to_postgres() as connection:
        yield connection


@pytest.fixture
def url(connection: FlakyConnection) -> str:
    port = settings.DATABASES["default"]["PORT"]
    return services.database_url().replace(f":{port}/", f":{connection.port}/")


@pytest.fixture
def admin(transactional_db: None) -> User:
    return factories.admin(factories.account())


@pytest.fixture
def request_options(admin: User) -> dict[str, Any]:
    assert admin.account is not None
    contacts = [factories.contact(admin.account) for _ in range(BATCH_SIZE)]
    metadata = [
        {"entity_type": "contacts", "entity_id": contact.entity_id}
        for contact in contacts
    ]
    return {
        "headers": {"Authorization": f"Bearer {factories.token(admin)}"},
        "json": [{"url": factories.URL, "metadata": each} for each in metadata],
    }


def stored_codes() -> list[str]:
    return list(ShortLink.objects.order_by("id").values_list("code", flat=True))


def returned_codes(response: httpx.Response) -> list[str]:
    links = response.json()["_embedded"]["short_links"]
    return [link["url"].rpartition("/")[2] for link in links]


@pytest.mark.parametrize("stored_before", [0, BATCH_SIZE], ids=["before", "after"])
def test_batch_is_created_once_if_the_connection_is_cut_at_the_commit(
    stored_before: int,
    url: str,
    connection: FlakyConnection,
    request_options: dict[str, Any],
    tmp_path: Path,
) -> None:
    with services.web(tmp_path, DATABASE_URL=url) as web:
        web.get("/api/v4/account", headers=request_options["headers"])
        connection.at_commit = lambda: stored_before > 0

        cut = web.post(PATH, **request_options)

        before = stored_codes()
        again = services.wait_for(lambda: if_created(web.post(PATH, **request_options)))
    assert cut.status_code == 503
    assert len(before) == stored_before
    assert returned_codes(again) == stored_codes()
    assert len(stored_codes()) == BATCH_SIZE


def if_created(response: httpx.Response) -> httpx.Response | None:
    """Return None while the circuit breaker is open."""
    return response if response.status_code == 200 else None


def test_batch_is_created_once_if_the_process_is_killed_at_the_commit(
    url: str,
    connection: FlakyConnection,
    request_options: dict[str, Any],
    tmp_path: Path,
) -> None:
    with services.web_server(tmp_path, DATABASE_URL=url) as server:
        server.client.get("/api/v4/account", headers=request_options["headers"])
        connection.at_commit = lambda: kill(server)

        with pytest.raises(httpx.TransportError):
            server.client.post(PATH, **request_options)

    before = services.wait_for(stored_codes)  # Postgres may not be done yet
    with services.web(tmp_path) as web:
        again = web.post(PATH, **request_options)
    assert len(before) == BATCH_SIZE
    assert returned_codes(again) == before == stored_codes()


def kill(server: Server) -> bool:
    server.process.kill()
    return True
