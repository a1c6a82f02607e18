"""The API as a real process: chunked bodies, and an unavailable database."""

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from django.db import connection, transaction

from shortlinks.models import User
from tests import factories, services

PATH = "/api/v4/short_links"


@pytest.fixture
def admin(transactional_db: None) -> User:
    return factories.admin(factories.account())


def body(entity_id: int) -> bytes:
    link_request = {
        "url": factories.URL,
        "metadata": {"entity_type": "contacts", "entity_id": entity_id},
    }
    return json.dumps([link_request]).encode()


def in_chunks(content: bytes, size: int = 1000) -> Iterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


def test_chunked_body_gets_the_response_of_a_whole_one(
    web: httpx.Client, admin: User
) -> None:
    assert admin.account is not None
    contact = factories.contact(admin.account)
    headers = {
        "Authorization": f"Bearer {factories.token(admin)}",
        "Content-Type": "application/json",
    }

    whole = web.post(PATH, headers=headers, content=body(contact.entity_id))
    chunked = web.post(
        PATH, headers=headers, content=in_chunks(body(contact.entity_id))
    )

    assert chunked.status_code == 200
    assert chunked.json() == whole.json()


@pytest.mark.parametrize("cut", [bytes, in_chunks], ids=["whole", "in chunks"])
def test_largest_batch_is_accepted(
    web: httpx.Client, admin: User, cut: Callable[[bytes], bytes | Iterator[bytes]]
) -> None:
    assert admin.account is not None
    contact = factories.contact(admin.account)
    longest = "https://shop.example/" + "я" * 2023
    metadata = {"entity_type": "contacts", "entity_id": contact.entity_id}
    link_requests = [
        {"url": f"{longest}{n:04}", "metadata": metadata} for n in range(250)
    ]
    content = json.dumps(link_requests).encode()
    assert len(content) > 3_000_000

    response = web.post(
        PATH,
        headers={
            "Authorization": f"Bearer {factories.token(admin)}",
            "Content-Type": "application/json",
        },
        content=cut(content),
    )

    assert response.status_code == 200
    assert len(response.json()["_embedded"]["short_links"]) == 250


def test_chunked_body_over_the_limit_is_413(web: httpx.Client, admin: User) -> None:
    response = web.post(
        PATH,
        headers={"Authorization": f"Bearer {factories.token(admin)}"},
        content=in_chunks(b" " * (4 * 1024 * 1024 + 1), size=65_536),
    )

    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-content-type-options"] == "nosniff"


def test_unavailable_database_is_503_with_retry_after(
    admin: User, tmp_path: Path
) -> None:
    token = factories.token(admin)
    nowhere = f"postgres://user:password@127.0.0.1:{services.free_port()}/shortlinks"
    with services.web(tmp_path, DATABASE_URL=nowhere) as web:
        response = web.post(
            PATH,
            headers={"Authorization": f"Bearer {token}"},
            json=json.loads(body(1)),
        )

    assert response.status_code == 503
    assert response.headers["retry-after"] == "30"
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == {
        "title": "Service Unavailable",
        "type": "https://httpstatus.es/503",
        "status": 503,
        "detail": "The database is unavailable. Nothing was stored. Try again later.",
    }


@pytest.fixture
def frozen(admin: User, tmp_path: Path) -> Iterator[httpx.Client]:
    """An API whose Postgres accepts connections but never responds."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        port = silent.getsockname()[1]
        url = f"postgres://user:password@127.0.0.1:{port}/shortlinks"
        with services.web(tmp_path, DATABASE_URL=url) as web:
            yield web


def test_only_the_first_request_waits_for_a_frozen_database(
    frozen: httpx.Client, admin: User
) -> None:
    headers = {"Authorization": f"Bearer {factories.token(admin)}"}

    def post() -> tuple[int, float]:
        response = frozen.post(PATH, headers=headers, json=json.loads(body(1)))
        return response.status_code, response.elapsed.total_seconds()

    first, *later = [post() for _ in range(20)]

    assert first[0] == 503
    assert {status for status, _ in later} == {503}
    assert max(seconds for _, seconds in later) < first[1] / 2


def test_locked_table_is_503_after_the_statement_timeout(
    web: httpx.Client, admin: User
) -> None:
    headers = {"Authorization": f"Bearer {factories.token(admin)}"}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE shortlinks_apitoken")
        response = web.get("/api/v4/account", headers=headers, timeout=20)

    assert response.status_code == 503
    assert response.elapsed.total_seconds() > 4
    assert web.get("/api/v4/account", headers=headers).status_code == 200
