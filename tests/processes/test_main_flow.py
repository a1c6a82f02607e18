"""From a link request to a note and a pixel, with real processes."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest
from django.db.models import Sum

from shortlinks.domain import redis_client
from shortlinks.domain.links import redis_cache
from shortlinks.domain.links.redis_cache import CachedLink
from shortlinks.models import (
    DailyVisits,
    Note,
    PixelAttachment,
    ShortLink,
    User,
    Visit,
)
from tests import factories, services
from tests.services import Process


@pytest.fixture
def admin(transactional_db: None) -> User:
    return factories.admin(factories.account())


def test_open_of_a_new_link_writes_a_note(
    web: httpx.Client, redirects: httpx.Client, worker: Process, admin: User
) -> None:
    assert admin.account is not None
    manager = factories.user(admin.account, contacts_view="M", contacts_edit="M")
    contact = factories.contact(
        admin.account, entity_id=11070881, responsible_user=manager
    )
    created = web.post(
        "/api/v4/short_links",
        headers={"Authorization": f"Bearer {factories.token(admin)}"},
        json=[
            {
                "url": "https://www.yandex.ru",
                "metadata": {"entity_type": "contacts", "entity_id": 11070881},
            }
        ],
    )
    [link] = created.json()["_embedded"]["short_links"]

    opened = redirects.get(urlsplit(link["url"]).path, headers=factories.BROWSER)

    assert (opened.status_code, opened.headers["location"]) == (
        302,
        "https://www.yandex.ru/",
    )
    web.headers["Authorization"] = f"Bearer {factories.token(manager)}"
    notes = services.wait_for(
        lambda: web.get("/api/v4/contacts/11070881/notes").content, seconds=4
    )
    assert b'"note_type":"link_followed","params":{"url":"https://www.yandex.ru"}' in (
        notes
    )
    assert urlsplit(link["url"]).path[1:].encode() not in notes
    assert PixelAttachment.objects.get().contact == contact


def test_beat_sweeps_visits_whose_message_was_lost(
    worker: Process, admin: User, tmp_path: Path
) -> None:
    assert admin.account is not None
    factories.visit(factories.link(factories.contact(admin.account)))

    with services.beat(tmp_path):
        services.wait_for(Note.objects.exists, seconds=20)

    assert Note.objects.get().opens == 1


def test_new_link_is_in_redis(web: httpx.Client, admin: User) -> None:
    assert admin.account is not None
    contact = factories.contact(admin.account)

    web.post(
        "/api/v4/short_links",
        headers={"Authorization": f"Bearer {factories.token(admin)}"},
        json={
            "url": factories.URL,
            "metadata": {"entity_type": "contacts", "entity_id": contact.entity_id},
        },
    )

    link = ShortLink.objects.get()
    key = redis_cache.link_key(link.code)
    stored = services.wait_for(lambda: redis_client.client().get(key))
    assert isinstance(stored, bytes)
    assert msgspec.json.decode(stored, type=CachedLink) == redis_cache.from_link(link)


def test_killed_worker_loses_and_duplicates_no_visits(
    redirects: httpx.Client, admin: User, tmp_path: Path
) -> None:
    assert admin.account is not None
    contacts = [factories.contact(admin.account) for _ in range(50)]
    links = list(enumerate(factories.link(contact) for contact in contacts)) * 100

    def open_link(number: int, link: ShortLink) -> int:
        """Use an address for each contact; one that opens 50 links is a scanner."""
        home = {"X-Forwarded-For": f"192.0.2.{number}"}
        headers = {**factories.BROWSER, **home}
        return redirects.get(f"/{link.code}", headers=headers).status_code

    with (
        ThreadPoolExecutor(8) as visitors,
        services.worker(tmp_path, name="first") as first,
        services.beat(tmp_path),
    ):
        responses = [visitors.submit(open_link, *each) for each in links]
        services.wait_for(Note.objects.exists)
        first.kill()
        assert not all(response.done() for response in responses)
        with services.worker(tmp_path, name="second"):
            statuses = [response.result(60) for response in responses]
            services.wait_for(
                lambda: not Visit.objects.filter(due_at__isnull=False).exists()
            )

    assert statuses == [302] * 5000
    assert Visit.objects.count() == 5000
    assert not Visit.objects.filter(processed_at=None).exists()
    assert sorted(Note.objects.values_list("contact", "opens")) == [
        (contact.id, 100) for contact in contacts
    ]
    assert DailyVisits.objects.aggregate(Sum("visits")) == {"visits__sum": 5000}
