"""A batch that an outage cut and its caller sends again: the same links, none twice."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings

from shortlinks.models import ShortLink, User
from tests import factories, services
from tests.services import Door
from tests.story import wires
from tests.story.wires import Wire

PATH = "/api/v4/short_links"
BATCH = 100


@pytest.fixture
def wire() -> Iterator[Wire]:
    with wires.to_postgres() as wire:
        yield wire


@pytest.fixture
def url(wire: Wire) -> str:
    """Postgres, over the wire."""
    port = settings.DATABASES["default"]["PORT"]
    return services.database_url().replace(f":{port}/", f":{wire.port}/")


@pytest.fixture
def admin(transactional_db: None) -> User:
    return factories.admin(factories.account())


@pytest.fixture
def order(admin: User) -> dict[str, Any]:
    """The whole request, to be sent again as it was."""
    assert admin.account is not None
    contacts = [factories.contact(admin.account) for _ in range(BATCH)]
    metadata = [
        {"entity_type": "contacts", "entity_id": contact.entity_id}
        for contact in contacts
    ]
    return {
        "headers": {"Authorization": f"Bearer {factories.token(admin)}"},
        "json": [{"url": factories.URL, "metadata": each} for each in metadata],
    }


def stored() -> list[str]:
    return list(ShortLink.objects.order_by("id").values_list("code", flat=True))


def told(answer: httpx.Response) -> list[str]:
    links = answer.json()["_embedded"]["short_links"]
    return [link["url"].rpartition("/")[2] for link in links]


@pytest.mark.parametrize("stored_by_then", [0, BATCH], ids=["before", "after"])
def test_postgres_is_cut_off_at_the_commit(
    stored_by_then: int, url: str, wire: Wire, order: dict[str, Any], tmp_path: Path
) -> None:
    with services.web(tmp_path, DATABASE_URL=url) as web:
        web.get("/api/v4/account", headers=order["headers"])
        wire.at_commit = lambda: stored_by_then > 0

        cut = web.post(PATH, **order)

        before = stored()
        again = services.wait_for(lambda: created(web.post(PATH, **order)))
    assert cut.status_code == 503
    assert len(before) == stored_by_then
    assert told(again) == stored()
    assert len(stored()) == BATCH


def created(answer: httpx.Response) -> httpx.Response | None:
    """Nothing while the breaker is open."""
    return answer if answer.status_code == 200 else None


def test_the_process_is_killed_at_the_commit(
    url: str, wire: Wire, order: dict[str, Any], tmp_path: Path
) -> None:
    with services.web_door(tmp_path, DATABASE_URL=url) as door:
        door.client.get("/api/v4/account", headers=order["headers"])
        wire.at_commit = lambda: die(door)

        with pytest.raises(httpx.TransportError):
            door.client.post(PATH, **order)

    before = services.wait_for(stored)
    with services.web(tmp_path) as web:
        again = web.post(PATH, **order)
    assert len(before) == BATCH
    assert told(again) == before == stored()


def die(door: Door) -> bool:
    """Its commit is on the way."""
    door.process.kill()
    return True
