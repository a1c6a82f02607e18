"""Events of notes are enqueued in the transaction that stores the note."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from shortlinks.domain.visits import processing
from shortlinks.domain.webhooks import events
from shortlinks.models import (
    Account,
    DeliveryState,
    Note,
    NoteType,
    ShortLink,
    Verdict,
    Webhook,
    WebhookDelivery,
    WebhookEvent,
)
from tests import factories
from tests.factories import at

URL = "https://receiver.example/"


@pytest.fixture
def link(account: Account) -> ShortLink:
    return factories.link(factories.contact(account))


@pytest.fixture
def webhook(account: Account) -> Webhook:
    return factories.webhook(account, URL)[0]


def process_open(link: ShortLink, time: str = "12:00") -> Note | None:
    factories.visit(link, occurred_at=at(time))
    processing.process_due()
    return Note.objects.filter(created_at=at(time)).first()


def test_new_note_is_enqueued_for_each_enabled_webhook_of_its_account(
    account: Account, link: ShortLink, webhook: Webhook
) -> None:
    second, _ = factories.webhook(account, f"{URL}2")
    disabled, _ = factories.webhook(account, f"{URL}3")
    factories.disable(disabled)
    factories.webhook(factories.account(), URL)

    note = process_open(link)

    assert note is not None
    deliveries = WebhookDelivery.objects.order_by("id")
    assert [(d.webhook, d.subject_id, d.contact_id, d.state) for d in deliveries] == [
        (webhook, note.id, link.contact_id, DeliveryState.PENDING),
        (second, note.id, link.contact_id, DeliveryState.PENDING),
    ]
    assert len({d.event_id for d in deliveries}) == 2


def test_further_open_of_a_note_is_not_an_event(
    link: ShortLink, webhook: Webhook
) -> None:
    process_open(link, "12:00")
    process_open(link, "12:01")

    assert Note.objects.get().opens == 2
    assert WebhookDelivery.objects.count() == 1


def test_withdrawn_note_cancels_its_unsent_delivery(
    link: ShortLink, webhook: Webhook
) -> None:
    visit = factories.visit(link)
    processing.process_due()

    processing.override_verdict([visit.pk], Verdict.BOT)

    assert not Note.objects.exists()
    assert WebhookDelivery.objects.get().state == DeliveryState.CANCELLED


@pytest.mark.parametrize(
    ("attempts", "subscribed", "expected"),
    [
        pytest.param(1, True, 1, id="sent"),
        pytest.param(0, True, 0, id="not sent"),
        pytest.param(1, False, 0, id="not subscribed"),
    ],
)
def test_withdrawal_is_enqueued_for_webhooks_that_received_the_note(
    link: ShortLink, webhook: Webhook, attempts: int, *, subscribed: bool, expected: int
) -> None:
    also = [WebhookEvent.WITHDRAW_NOTE] if subscribed else []
    Webhook.objects.update(settings=[WebhookEvent.NOTE_CONTACT, *also])
    visit = factories.visit(link)
    processing.process_due()
    note = Note.objects.get()
    WebhookDelivery.objects.update(
        state=DeliveryState.DELIVERED if attempts else DeliveryState.PENDING,
        attempts=attempts,
        due_at=None if attempts else timezone.now(),
    )

    processing.override_verdict([visit.pk], Verdict.BOT)

    sent = WebhookDelivery.objects.filter(event=WebhookEvent.WITHDRAW_NOTE)
    assert sent.count() == expected
    assert [(d.subject_id, d.payload_data["reason"]) for d in sent] == [
        (note.id, "set by an administrator")
    ] * expected


def test_withdrawn_note_cancels_the_delivery_of_a_disabled_webhook(
    link: ShortLink, webhook: Webhook
) -> None:
    visit = factories.visit(link)
    processing.process_due()
    factories.disable(webhook)

    processing.override_verdict([visit.pk], Verdict.BOT)

    assert WebhookDelivery.objects.get().state == DeliveryState.CANCELLED


def test_rolled_back_note_enqueues_nothing(link: ShortLink, webhook: Webhook) -> None:
    with transaction.atomic():
        process_open(link)
        assert WebhookDelivery.objects.exists()
        transaction.set_rollback(True)

    assert not WebhookDelivery.objects.exists()


def test_event_enqueued_twice_has_the_same_id(
    link: ShortLink, webhook: Webhook
) -> None:
    note = process_open(link)
    assert note is not None

    events.enqueue(WebhookEvent.NOTE_CONTACT, [note.id])

    event_id = WebhookDelivery.objects.get().event_id
    assert event_id == events.event_id(note.id, webhook.id, "note_contact")
    assert event_id.version == 5


def test_event_id_differs_between_installations(settings: Settings) -> None:
    here = events.event_id(1, 1, "note_contact")
    settings.BASE_URL = "https://elsewhere.example"

    assert events.event_id(1, 1, "note_contact") != here


def test_note_of_a_user_is_enqueued(account: Account, webhook: Webhook) -> None:
    note = Note.objects.create(
        account=account,
        contact=factories.contact(account),
        note_type=NoteType.COMMON,
        text="Called back",
    )

    events.enqueue(WebhookEvent.NOTE_CONTACT, [note.id])

    data = WebhookDelivery.objects.get().payload_data
    assert (data["note_type"], data["text"]) == ("common", "Called back")


@pytest.mark.parametrize(("webhooks", "more"), [(0, 0), (1, 1), (3, 1)])
@pytest.mark.parametrize("size", [1, 50])
def test_batch_of_notes_takes_one_more_query_only_with_webhooks(
    account: Account, webhooks: int, more: int, size: int
) -> None:
    links = [factories.link(factories.contact(account)) for _ in range(size)]
    for number in range(webhooks):
        factories.webhook(account, f"{URL}{number}")
    for link in links:
        factories.visit(link)

    with CaptureQueriesContext(connection) as queries:
        processing.process_due()

    about = [q for q in queries if "shortlinks_webhookdelivery" in q["sql"]]
    assert len(about) == more
    assert WebhookDelivery.objects.count() == size * webhooks


@pytest.mark.parametrize(("webhooks", "more"), [(0, 0), (3, 1)])
def test_withdrawn_batch_takes_one_more_query_only_with_webhooks(
    account: Account, link: ShortLink, webhooks: int, more: int
) -> None:
    for number in range(webhooks):
        factories.webhook(account, f"{URL}{number}")
    visit = factories.visit(link)
    processing.process_due()

    with CaptureQueriesContext(connection) as queries:
        processing.override_verdict([visit.pk], Verdict.BOT)

    about = [q for q in queries if "shortlinks_webhookdelivery" in q["sql"]]
    assert len(about) == more
