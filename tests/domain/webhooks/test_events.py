"""What is told: notes that are new, in the transaction that writes them (ADR 15)."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from shortlinks.domain.visits import processing
from shortlinks.domain.webhooks import events, subscriptions
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


def follow_up_an_open(link: ShortLink, time: str = "12:00") -> Note | None:
    factories.visit(link, occurred_at=at(time))
    processing.process_due()
    return Note.objects.filter(created_at=at(time)).first()


def test_a_new_note_is_told_to_each_enabled_webhook_of_its_account(
    account: Account, link: ShortLink, webhook: Webhook
) -> None:
    second, _ = factories.webhook(account, f"{URL}2")
    disabled, _ = factories.webhook(account, f"{URL}3")
    subscriptions.disable([disabled])
    factories.webhook(factories.account(), URL)

    note = follow_up_an_open(link)

    assert note is not None
    told = WebhookDelivery.objects.order_by("id")
    assert [(d.webhook, d.subject_id, d.contact_id, d.state) for d in told] == [
        (webhook, note.id, link.contact_id, DeliveryState.PENDING),
        (second, note.id, link.contact_id, DeliveryState.PENDING),
    ]
    assert len({d.event_id for d in told}) == 2


def test_a_raised_count_is_no_event(link: ShortLink, webhook: Webhook) -> None:
    follow_up_an_open(link, "12:00")
    follow_up_an_open(link, "12:01")

    assert Note.objects.get().opens == 2
    assert WebhookDelivery.objects.count() == 1


def test_a_note_withdrawn_before_it_is_told_is_not_told(
    link: ShortLink, webhook: Webhook
) -> None:
    visit = factories.visit(link)
    processing.process_due()

    processing.override_verdict([visit.pk], Verdict.BOT)

    assert not Note.objects.exists()
    assert WebhookDelivery.objects.get().state == DeliveryState.CANCELLED


def test_it_is_not_told_later_either_by_a_webhook_that_is_disabled_just_then(
    link: ShortLink, webhook: Webhook
) -> None:
    visit = factories.visit(link)
    processing.process_due()
    subscriptions.disable([webhook])

    processing.override_verdict([visit.pk], Verdict.BOT)

    assert WebhookDelivery.objects.get().state == DeliveryState.CANCELLED


def test_a_follow_up_that_fails_tells_nothing(
    link: ShortLink, webhook: Webhook
) -> None:
    with transaction.atomic():
        follow_up_an_open(link)
        assert WebhookDelivery.objects.exists()
        transaction.set_rollback(True)

    assert not WebhookDelivery.objects.exists()


def test_told_again_an_event_is_the_same_one(link: ShortLink, webhook: Webhook) -> None:
    note = follow_up_an_open(link)
    assert note is not None

    events.enqueue(WebhookEvent.NOTE_CONTACT, [note.id])

    event_id = WebhookDelivery.objects.get().event_id
    assert event_id == events.event_id(note.id, webhook.id, "note_contact")
    assert event_id.version == 5


def test_another_installations_events_have_other_ids(settings: Settings) -> None:
    here = events.event_id(1, 1, "note_contact")
    settings.BASE_URL = "https://elsewhere.example"

    assert events.event_id(1, 1, "note_contact") != here


def test_notes_by_hand_are_told_too(account: Account, webhook: Webhook) -> None:
    note = Note.objects.create(
        account=account,
        contact=factories.contact(account),
        note_type=NoteType.COMMON,
        text="Called back",
    )

    events.enqueue(WebhookEvent.NOTE_CONTACT, [note.id])

    facts = WebhookDelivery.objects.get().payload_data
    assert (facts["note_type"], facts["text"]) == ("common", "Called back")


@pytest.mark.parametrize(("webhooks", "more"), [(0, 0), (1, 1), (3, 1)])
@pytest.mark.parametrize("size", [1, 50])
def test_a_batch_costs_one_query_more_and_none_without_webhooks(
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
def test_a_batch_that_withdraws_costs_one_more_and_none_without_webhooks(
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
