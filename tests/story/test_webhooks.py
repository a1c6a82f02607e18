"""Opens told to other programs: every part is a real process, the receivers too."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from django.db.models import F, QuerySet

from config.celery import app
from shortlinks.domain.webhooks.retry_policy import RETRY_DELAYS
from shortlinks.models import Contact, DeliveryState, Note, User, WebhookDelivery
from tests import factories, receivers, services, stores
from tests.receivers import Receiver
from tests.services import Process

Subscribe = Callable[[Receiver], str]


@pytest.fixture
def admin(transactional_db: None) -> User:
    return factories.admin(factories.account())


@pytest.fixture
def contact(admin: User) -> Contact:
    assert admin.account is not None
    return factories.contact(admin.account, responsible_user=admin)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receivers.receiver() as made:
        yield made


@pytest.fixture(scope="module")
def workers(
    django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Process]:
    """Without beat: what is sent at once is sent because the bell was rung."""
    directory = tmp_path_factory.mktemp("workers")
    with (
        services.worker(directory),
        services.webhooks(directory, WEBHOOK_ALLOW_PRIVATE_TARGETS="1") as webhooks,
    ):
        yield webhooks


@pytest.fixture
def subscribe(web: httpx.Client, admin: User) -> Subscribe:
    """Subscribes over HTTP; the secret."""
    web.headers["Authorization"] = f"Bearer {factories.token(admin)}"

    def made(receiver: Receiver) -> str:
        wanted = {"destination": receiver.url, "settings": ["note_contact"]}
        response = web.post("/api/v4/webhooks", json=wanted)
        assert response.status_code == 201
        return str(response.json()["secret"])

    return made


def order(web: httpx.Client, contact: Contact, url: str) -> str:
    metadata = {"entity_type": "contacts", "entity_id": contact.entity_id}
    answer: Any = web.post(
        "/api/v4/short_links", json={"url": url, "metadata": metadata}
    )
    [link] = answer.json()["_embedded"]["short_links"]
    return str(urlsplit(link["url"]).path)


def test_an_open_is_told_signed_and_in_the_originals_words(
    web: httpx.Client,
    redirects: httpx.Client,
    workers: Process,
    subscribe: Subscribe,
    contact: Contact,
    receiver: Receiver,
) -> None:
    secret = subscribe(receiver)
    path = order(web, contact, "https://shop.example/sale")

    redirects.get(path, headers=factories.BROWSER)
    services.wait_for(lambda: receiver.received)

    [request] = receiver.received
    request.verify(secret)
    note = Note.objects.get()
    said = request.form
    assert len(said) == 15
    assert said["contacts[note][0][note][id]"] == str(note.id)
    assert said["contacts[note][0][note][element_id]"] == str(contact.entity_id)
    assert said["contacts[note][0][note][text]"] == (
        '{"url": "https://shop.example/sale"}'
    )
    assert path[1:] not in f"{request.body} {request.headers}"
    services.wait_for(
        WebhookDelivery.objects.filter(state=DeliveryState.DELIVERED).exists
    )
    assert path[1:] not in workers.log.read_text()


def test_a_note_by_hand_is_told_at_once(
    web: httpx.Client,
    workers: Process,
    subscribe: Subscribe,
    contact: Contact,
    receiver: Receiver,
) -> None:
    subscribe(receiver)

    post_note(web, contact)

    services.wait_for(lambda: receiver.received)
    said = receiver.received[0].form
    assert said["contacts[note][0][note][note_type]"] == "4"
    assert said["contacts[note][0][note][text]"] == "Called back."


def test_events_are_told_with_no_broker_at_all(
    transactional_db: None,
    admin: User,
    contact: Contact,
    receiver: Receiver,
    tmp_path: Path,
) -> None:
    nowhere = f"redis://127.0.0.1:{services.free_port()}/0"
    told = {"REDIS_URL": nowhere, "WEBHOOK_ALLOW_PRIVATE_TARGETS": "1"}
    program = services.management("deliver_webhooks", "--loop")
    command = Process(program, tmp_path / "loop.log", **told)
    token = {"Authorization": f"Bearer {factories.token(admin)}"}
    try:
        with services.web(tmp_path, **told) as web:
            web.headers.update(token)
            factories.webhook(contact.account, receiver.url)
            post_note(web, contact)
            services.wait_for(lambda: receiver.received)
            post_note(web, contact)
            services.wait_for(lambda: _has(receiver, 2))
        command.tell_to_stop()
        assert command.code() == 0
    finally:
        command.stop()


def test_a_broker_that_hangs_costs_no_note(
    transactional_db: None, admin: User, contact: Contact, tmp_path: Path
) -> None:
    """On the connection that carried the message before."""
    factories.webhook(contact.account, "https://receiver.example/")
    token = {"Authorization": f"Bearer {factories.token(admin)}"}
    with (
        stores.valkey() as valkey,
        services.web(tmp_path, REDIS_URL=valkey.url) as web,
    ):
        web.headers.update(token)
        post_note(web, contact)
        with valkey.hung():
            post_note(web, contact)

    assert WebhookDelivery.objects.count() == Note.objects.count() == 2
    assert "webhooks wait for beat" in (tmp_path / "web.log").read_text()


def post_note(web: httpx.Client, contact: Contact) -> None:
    path = f"/api/v4/contacts/{contact.entity_id}/notes"
    note = {"note_type": "common", "params": {"text": "Called back."}}
    assert web.post(path, json=[note]).status_code == 200


def test_a_receiver_down_for_three_tries_is_told_once_and_in_order(
    workers: Process,
    subscribe: Subscribe,
    contact: Contact,
    receiver: Receiver,
) -> None:
    receiver.answers = [(503, {}), (500, {}), (302, {"Location": receiver.url})]
    subscribe(receiver)
    assert list(write_notes(contact)) == [1, 2, 3]

    for failures in range(1, 4):
        services.wait_for(
            WebhookDelivery.objects.filter(claimed_at=None, attempts=failures).exists
        )
        pass_time(RETRY_DELAYS[failures])
        app.send_task("shortlinks.tasks.deliver_webhooks")  # as beat does
    services.wait_for(
        lambda: (
            WebhookDelivery.objects.filter(state=DeliveryState.DELIVERED).count() == 3
        )
    )

    first, second, third = Note.objects.order_by("id").values_list("id", flat=True)
    assert receiver.note_ids == [first, first, first, first, second, third]


def write_notes(contact: Contact) -> Iterator[int]:
    """Three, one after the other; how many there are."""
    for number in (1, 2, 3):
        factories.visit(factories.link(contact, f"https://shop.example/{number}"))
        app.send_task("shortlinks.tasks.process_visits")
        services.wait_for(partial(_are, Note.objects.all(), number))
        yield number


def _are(rows: QuerySet[Any], count: int) -> bool:
    return rows.count() == count


def _has(receiver: Receiver, count: int) -> bool:
    return len(receiver.received) == count


def pass_time(time: timedelta) -> None:
    WebhookDelivery.objects.filter(attempts__gt=0, due_at__isnull=False).update(
        due_at=F("due_at") - time
    )


def test_a_slow_receiver_delays_neither_notes_nor_other_receivers(
    workers: Process,
    subscribe: Subscribe,
    contact: Contact,
    receiver: Receiver,
) -> None:
    receiver.answering.clear()
    subscribe(receiver)
    with receivers.receiver() as quick:
        subscribe(quick)
        for number in write_notes(contact):
            services.wait_for(partial(_has, quick, number))

    assert len(receiver.received) == 1  # and still no answer from there
