"""Opens as JSON events, and their withdrawal."""

import json
from typing import Any

import pytest

from shortlinks.domain.visits import processing
from shortlinks.domain.webhooks import events
from shortlinks.models import (
    Contact,
    DeliveryState,
    Note,
    ShortLink,
    Verdict,
    Visit,
    Webhook,
    WebhookDelivery,
    WebhookEvent,
)
from tests import factories
from tests.domain.webhooks.steps import deliver
from tests.factories import at
from tests.receivers import Receiver

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/19.1 Mobile/15E148 Safari/604.1"
)
BOTH = [WebhookEvent.LINK_OPENED, WebhookEvent.WITHDRAW_OPEN]


@pytest.fixture
def webhook(subscribed: tuple[Webhook, str]) -> Webhook:
    Webhook.objects.update(settings=BOTH)
    subscribed[0].refresh_from_db()
    return subscribed[0]


@pytest.fixture
def link(contact: Contact) -> ShortLink:
    return factories.link(contact, "https://shop.example/каталог")


def open_(link: ShortLink, time: str, **fields: Any) -> Visit:
    visit = factories.visit(link, occurred_at=at(time), **fields)
    processing.process_due()
    return visit


def bodies(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(request.body) for request in receiver.received]


def test_open_is_sent_as_signed_json_with_verdict_and_device(
    link: ShortLink, webhook: Webhook, subscribed: Any, receiver: Receiver
) -> None:
    open_(link, "12:00", user_agent=IPHONE)

    deliver()

    [request] = receiver.received
    request.verify(subscribed[1])
    assert request.headers["Content-Type"] == "application/json"
    reason = Note.objects.get().reason
    body = json.loads(request.body)
    explanation = body.pop("explanation")
    assert body == {
        "event": "link_opened",
        "account_id": link.account_id,
        "note_id": Note.objects.get().pk,
        "link_id": link.pk,
        "contact_id": link.contact.entity_id,
        "url": "https://shop.example/каталог",
        "opened_at": int(at("12:00").timestamp()),
        "verdict": "person",
        "certainty": "certain",
        "reason": reason,
        "device": {"system": "iPhone", "browser": "Safari"},
        "is_first": True,
    }
    assert explanation
    assert link.code not in request.body
    stored = json.dumps(WebhookDelivery.objects.get().payload_data)
    assert "Mozilla" not in stored


def test_later_window_is_not_the_first_and_further_opens_are_no_event(
    link: ShortLink, webhook: Webhook, receiver: Receiver
) -> None:
    for time in ("12:00", "12:05", "13:00"):
        open_(link, time)

    deliver()

    assert [body["is_first"] for body in bodies(receiver)] == [True, False]


def test_webhook_may_get_the_form_and_json(
    link: ShortLink, webhook: Webhook, receiver: Receiver
) -> None:
    Webhook.objects.update(settings=["note_contact", "link_opened"])

    open_(link, "12:00")
    deliver()

    types = {request.headers["Content-Type"] for request in receiver.received}
    assert types == {"application/x-www-form-urlencoded", "application/json"}
    assert len(receiver.received) == 2


def test_common_note_is_no_open(contact: Contact, webhook: Webhook) -> None:
    note = Note.objects.create(
        account=contact.account, contact=contact, note_type="common", text="Hello"
    )

    assert events.enqueue(WebhookEvent.NOTE_CONTACT, [note.pk]) == 0


def test_receiver_of_an_open_gets_its_withdrawal_with_the_new_verdict(
    link: ShortLink, webhook: Webhook, receiver: Receiver
) -> None:
    visit = open_(link, "12:00")
    note_id = Note.objects.get().pk
    deliver()

    processing.override_verdict([visit.pk], Verdict.BOT)
    deliver()

    body = bodies(receiver)[1]
    assert (body["event"], body["note_id"]) == ("withdraw_link_opened", note_id)
    assert (body["verdict"], body["reason"]) == ("bot", "set by an administrator")
    assert body["link_id"] == link.pk
    assert "device" not in body


def test_unsent_open_is_canceled_when_it_is_withdrawn(
    link: ShortLink, webhook: Webhook
) -> None:
    visit = open_(link, "12:00")

    processing.override_verdict([visit.pk], Verdict.BOT)

    assert WebhookDelivery.objects.get().state == DeliveryState.CANCELLED


@pytest.mark.parametrize(
    ("subscribed_to", "is_json"),
    [(BOTH, True), (["link_opened", "note_contact"], False)],
    ids=["only JSON", "also forms"],
)
def test_test_has_the_type_of_the_events(
    webhook: Webhook, receiver: Receiver, subscribed_to: list[str], *, is_json: bool
) -> None:
    webhook.settings = subscribed_to

    events.enqueue_test(webhook)
    deliver()

    [request] = receiver.received
    assert (request.headers["Content-Type"] == "application/json") is is_json
    if_json = '"event": "test"' in request.body
    assert if_json is is_json
