"""Webhook deliveries: once, in order, on a schedule."""

import threading
from collections import defaultdict
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone
from pytest_django import Settings

from shortlinks.domain.webhooks import deliveries, due_deliveries, retry_policy
from shortlinks.domain.webhooks.retry_policy import Outcome
from shortlinks.domain.webhooks.sender import Sender
from shortlinks.models import (
    Account,
    Contact,
    DeliveryState,
    Note,
    Webhook,
    WebhookDelivery,
)
from tests import factories, receivers
from tests.domain.webhooks.steps import (
    FAILURE,
    advance_time,
    deliver,
    states,
    write_note,
)
from tests.receivers import Receiver

HOUR = timedelta(hours=1)


def test_events_arrive_once_and_in_order_after_three_failures(
    contact: Contact, webhook: Webhook, receiver: Receiver
) -> None:
    for _ in range(3):
        write_note(contact)
    receiver.answers = [FAILURE] * 3

    for wait in (*retry_policy.RETRY_DELAYS[:4], timedelta(0), timedelta(0)):
        advance_time(seconds=wait.total_seconds())
        deliver()

    first, second, third = Note.objects.order_by("id").values_list("id", flat=True)
    assert receiver.note_ids == [first, first, first, first, second, third]
    ids = [request.headers["webhook-id"] for request in receiver.received]
    assert len(set(ids[:4])) == 1
    assert states() == [DeliveryState.DELIVERED] * 3


def test_event_waits_only_for_earlier_ones_of_its_contact(
    account: Account, contact: Contact, webhook: Webhook, receiver: Receiver
) -> None:
    write_note(contact)
    receiver.answers = [FAILURE]
    deliver()
    write_note(contact)
    other = write_note(factories.contact(account))

    deliver()

    assert len(receiver.received) == 2
    assert receiver.note_ids[-1] == Note.objects.get(link=other).id


def test_delivery_is_sent_once(
    contact: Contact, webhook: Webhook, receiver: Receiver
) -> None:
    write_note(contact)

    deliver()
    advance_time(days=5)
    deliver()

    assert len(receiver.received) == 1
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.attempts) == (DeliveryState.DELIVERED, 1)
    assert delivery.delivered_at is not None


def test_delivery_of_a_crashed_worker_is_sent_again_with_the_same_id(
    contact: Contact, webhook: Webhook, receiver: Receiver
) -> None:
    write_note(contact)
    [lost] = deliveries.claim(10)

    deliver()
    assert receiver.received == []  # the lease has not expired
    advance_time(seconds=deliveries.LEASE.total_seconds())
    deliver()

    [request] = receiver.received
    assert request.headers["webhook-id"] == str(lost.event_id)
    assert WebhookDelivery.objects.get().attempts == 2


def test_outcome_is_ignored_after_the_lease_expired(
    contact: Contact, webhook: Webhook, receiver: Receiver
) -> None:
    write_note(contact)
    [late] = deliveries.claim(10)
    advance_time(seconds=deliveries.LEASE.total_seconds())
    deliver()

    deliveries.record([(late, Outcome(500, "status: 500"))])

    assert states() == [DeliveryState.DELIVERED]


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Outcome(500, "status: 500"), DeliveryState.CANCELLED),
        (Outcome(200), DeliveryState.DELIVERED),
    ],
    ids=["failed", "delivered"],
)
def test_delivery_of_a_note_withdrawn_meanwhile_is_not_retried(
    contact: Contact, webhook: Webhook, outcome: Outcome, state: str
) -> None:
    write_note(contact)
    [claimed] = deliveries.claim(10)
    WebhookDelivery.objects.update(state=DeliveryState.CANCELLED, due_at=None)

    deliveries.record([(claimed, outcome)])

    assert states() == [state]


def test_claim_limits_requests_for_each_webhook(
    account: Account, webhook: Webhook
) -> None:
    for _ in range(10):
        write_note(factories.contact(account))

    claimed = [len(deliveries.claim(32)), len(deliveries.claim(32))]
    assert claimed == [due_deliveries.MAX_PER_WEBHOOK, 0]

    WebhookDelivery.objects.update(claimed_at=None)
    Webhook.objects.update(
        failures=1, failing_since=timezone.now(), last_error="refused"
    )
    assert len(deliveries.claim(32)) == 1


def test_claim_alternates_between_webhooks(
    account: Account, receiver: Receiver
) -> None:
    for number in range(3):
        factories.webhook(account, f"{receiver.url}{number}")
    for _ in range(4):
        write_note(factories.contact(account))

    turns = [deliveries.claim(3) for _ in range(4)]

    assert [len({c.webhook_id for c in turn}) for turn in turns] != [1, 1, 1, 1]
    assert sum(len(turn) for turn in turns) == 12


def test_slow_receiver_does_not_delay_another(
    contact: Contact, account: Account, webhook: Webhook, receiver: Receiver
) -> None:
    receiver.answering.clear()
    with receivers.receiver() as quick, Sender() as sender:
        factories.webhook(account, quick.url)
        write_note(contact)
        while not quick.received:
            assert sender.step()
        write_note(contact)
        while len(quick.received) < 2:
            assert sender.step()
        assert len(receiver.received) == 1
        receiver.answering.set()

    assert states().count(DeliveryState.DELIVERED) == 3


def test_attempt_fails_without_the_key_of_the_secret(
    contact: Contact, webhook: Webhook, receiver: Receiver, settings: Settings
) -> None:
    write_note(contact)
    settings.WEBHOOK_KEYS = {"other": b"x" * 48}

    deliver()

    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.last_error) == ("pending", "internal")
    assert receiver.received == []


def test_concurrent_workers_send_each_event_once_and_in_order(
    transactional_db: None, receiver: Receiver
) -> None:
    account = factories.account()
    factories.webhook(account, receiver.url)
    contacts = [factories.contact(account) for _ in range(8)]
    for contact in contacts * 5:
        write_note(contact)

    def work() -> None:
        deliver()
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)

    sent: dict[str, list[int]] = defaultdict(list)
    for request in receiver.received:
        entity_id = request.form["contacts[note][0][note][element_id]"]
        sent[entity_id].append(request.note_id)
    assert sent == {
        str(contact.entity_id): list(
            Note.objects.filter(contact=contact)
            .order_by("id")
            .values_list("id", flat=True)
        )
        for contact in contacts
    }


def test_request_contains_no_short_code(
    contact: Contact, webhook: Webhook, receiver: Receiver
) -> None:
    link = write_note(contact)

    deliver()

    [request] = receiver.received
    assert link.code not in f"{request.body} {request.headers}"
    assert link.url in request.form["contacts[note][0][note][text]"]


def test_inactive_account_sends_no_events(
    account: Account, contact: Contact, webhook: Webhook, receiver: Receiver
) -> None:
    write_note(contact)
    account.is_active = False
    account.save()

    deliver()

    assert receiver.received == []


def test_lag_counts_only_deliveries_that_can_be_sent(
    contact: Contact, webhook: Webhook, receiver: Receiver
) -> None:
    write_note(contact)
    assert 0 <= due_deliveries.lag_seconds() < 60
    advance_time(minutes=5)
    assert 300 <= due_deliveries.lag_seconds() < 360

    receiver.answers = [FAILURE]
    deliver()
    write_note(contact)
    WebhookDelivery.objects.filter(attempts=0).update(due_at=F("created_at") - HOUR)
    assert due_deliveries.lag_seconds() == 0  # it waits for the first, which failed

    advance_time(hours=1)
    assert due_deliveries.lag_seconds() > 3000
    factories.disable(webhook)
    assert due_deliveries.lag_seconds() == 0
