"""Webhooks, with real processes and receivers."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from django.db.models import F, QuerySet
from django.test import Client

from config.celery import app
from shortlinks.domain.webhooks.retry_policy import RETRY_DELAYS
from shortlinks.models import (
    Contact,
    DeliveryState,
    Note,
    User,
    Webhook,
    WebhookDelivery,
)
from tests import factories, receivers, services, stores
from tests.receivers import Receiver
from tests.services import Process

CSRF = "a" * 32  # the same value as cookie and field
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
    with receivers.receiver() as running:
        yield running


@pytest.fixture(scope="module")
def workers(
    django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Process]:
    """Workers without beat, so that everything is sent because of a message."""
    directory = tmp_path_factory.mktemp("workers")
    with (
        services.worker(directory),
        services.webhooks(directory, WEBHOOK_ALLOW_PRIVATE_TARGETS="1") as webhooks,
    ):
        yield webhooks


@pytest.fixture
def subscribe(web: httpx.Client, admin: User) -> Subscribe:
    """Return a function that subscribes over HTTP and returns the secret."""
    web.headers["Authorization"] = f"Bearer {factories.token(admin)}"

    def subscribe_to(receiver: Receiver) -> str:
        wanted = {"destination": receiver.url, "settings": ["note_contact"]}
        response = web.post("/api/v4/webhooks", json=wanted)
        assert response.status_code == 201
        return str(response.json()["secret"])

    return subscribe_to


def create_link(web: httpx.Client, contact: Contact, url: str) -> str:
    metadata = {"entity_type": "contacts", "entity_id": contact.entity_id}
    response: Any = web.post(
        "/api/v4/short_links", json={"url": url, "metadata": metadata}
    )
    [link] = response.json()["_embedded"]["short_links"]
    return str(urlsplit(link["url"]).path)


def sign_in(web: httpx.Client, user: User) -> httpx.Client:
    """Return a client whose session and form token the admin accepts."""
    session = Client()
    session.force_login(user)
    cookies = {"sessionid": session.cookies["sessionid"].value, "csrftoken": CSRF}
    return httpx.Client(base_url=web.base_url, cookies=cookies)


def test_webhook_made_in_the_admin_receives_a_signed_test(
    web: httpx.Client, workers: Process, admin: User, receiver: Receiver
) -> None:
    form: dict[str, Any] = {
        "csrfmiddlewaretoken": CSRF,
        "account": admin.account_id,
        "sort": 1,
    }
    form |= {"destination": receiver.url, "settings": ["note_contact"]}
    with sign_in(web, admin) as browser:
        added = browser.post("/admin/shortlinks/webhook/add/", data=form)
        assert added.status_code == 302
        shown = browser.get(added.headers["Location"]).text
        webhook = Webhook.objects.get()
        page = f"/admin/shortlinks/webhook/{webhook.pk}"
        assert browser.post(f"{page}/pause/", data=form).status_code == 302

        assert browser.post(f"{page}/send_test/", data=form).status_code == 302
        services.wait_for(lambda: "received" in browser.get(f"{page}/last_test/").text)

    [request] = receiver.received
    [secret] = re.findall(r"whsec_[\w+/=]+", shown)
    request.verify(secret)
    assert request.form["test[webhook_id]"] == str(webhook.pk)
    assert request.form["account[id]"] == str(admin.account_id)


def test_webhook_of_an_open_is_signed_and_has_the_fields_of_amocrm(
    web: httpx.Client,
    redirects: httpx.Client,
    workers: Process,
    subscribe: Subscribe,
    contact: Contact,
    receiver: Receiver,
) -> None:
    secret = subscribe(receiver)
    path = create_link(web, contact, "https://shop.example/sale")

    redirects.get(path, headers=factories.BROWSER)
    services.wait_for(lambda: receiver.received)

    [request] = receiver.received
    request.verify(secret)
    note = Note.objects.get()
    form = request.form
    assert len(form) == 15 + 3  # certainty, reason and explanation are ours
    assert form["contacts[note][0][note][certainty]"] == "certain"
    assert form["contacts[note][0][note][id]"] == str(note.id)
    assert form["contacts[note][0][note][element_id]"] == str(contact.entity_id)
    assert form["contacts[note][0][note][text]"] == (
        '{"url": "https://shop.example/sale"}'
    )
    assert path[1:] not in f"{request.body} {request.headers}"
    services.wait_for(
        WebhookDelivery.objects.filter(state=DeliveryState.DELIVERED).exists
    )
    assert path[1:] not in workers.log.read_text()


def test_webhook_of_a_common_note_is_sent_immediately(
    web: httpx.Client,
    workers: Process,
    subscribe: Subscribe,
    contact: Contact,
    receiver: Receiver,
) -> None:
    subscribe(receiver)

    post_note(web, contact)

    services.wait_for(lambda: receiver.received)
    form = receiver.received[0].form
    assert form["contacts[note][0][note][note_type]"] == "4"
    assert form["contacts[note][0][note][text]"] == "Called back."


def test_command_sends_webhooks_without_a_broker(
    transactional_db: None,
    admin: User,
    contact: Contact,
    receiver: Receiver,
    tmp_path: Path,
) -> None:
    unavailable = f"redis://127.0.0.1:{services.free_port()}/0"
    environment = {"REDIS_URL": unavailable, "WEBHOOK_ALLOW_PRIVATE_TARGETS": "1"}
    program = services.management("deliver_webhooks", "--loop")
    command = Process(program, tmp_path / "loop.log", **environment)
    token = {"Authorization": f"Bearer {factories.token(admin)}"}
    try:
        with services.web(tmp_path, **environment) as web:
            web.headers.update(token)
            factories.webhook(contact.account, receiver.url)
            post_note(web, contact)
            services.wait_for(lambda: receiver.received)
            post_note(web, contact)
            services.wait_for(lambda: _has_received(receiver, 2))
        command.terminate()
        assert command.exit_code() == 0
    finally:
        command.stop()


def test_note_is_stored_if_the_broker_does_not_respond(
    transactional_db: None, admin: User, contact: Contact, tmp_path: Path
) -> None:
    """The second message uses the connection of the first."""
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


def test_webhooks_are_sent_once_and_in_order_after_three_failures(
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
    """Write three notes and yield their number after each."""
    for number in (1, 2, 3):
        factories.visit(factories.link(contact, f"https://shop.example/{number}"))
        app.send_task("shortlinks.tasks.process_visits")
        services.wait_for(partial(_count_is, Note.objects.all(), number))
        yield number


def _count_is(rows: QuerySet[Any], count: int) -> bool:
    return rows.count() == count


def _has_received(receiver: Receiver, count: int) -> bool:
    return len(receiver.received) == count


def pass_time(time: timedelta) -> None:
    WebhookDelivery.objects.filter(attempts__gt=0, due_at__isnull=False).update(
        due_at=F("due_at") - time
    )


def test_slow_receiver_delays_no_other_receiver(
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
            services.wait_for(partial(_has_received, quick, number))

    assert len(receiver.received) == 1  # and it has not responded yet
