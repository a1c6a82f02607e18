"""A database that refuses writes, as a standby does, counts as unavailable."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from shortlinks.models import ShortLink
from tests import factories, services

READ_ONLY = "?options=-c%20default_transaction_read_only%3Don"


@pytest.fixture
def environment(transactional_db: None) -> dict[str, str]:
    return {"DATABASE_URL": services.database_url() + READ_ONLY}


@pytest.fixture
def link(transactional_db: None) -> ShortLink:
    return factories.link(factories.contact(factories.account()))


@pytest.fixture
def web(environment: dict[str, str], tmp_path: Path) -> Iterator[httpx.Client]:
    with services.web(tmp_path, **environment) as client:
        yield client


def test_api_is_unavailable_and_unready_on_a_standby(
    web: httpx.Client, link: ShortLink
) -> None:
    token = factories.token(factories.admin(link.account))
    item = {
        "url": "https://shop.example/new",
        "metadata": {
            "entity_type": "contacts",
            "entity_id": link.contact.entity_id,
        },
    }

    headers = {"Authorization": f"Bearer {token}"}
    response = web.post("/api/v4/short_links", headers=headers, json=[item])

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "30"
    health = web.get("/readyz")
    assert health.status_code == 503
    assert not health.json()["checks"]["postgres"]["ok"]
