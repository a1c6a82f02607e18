"""Receivers that are given up, or ask for a pause, and what is sent once more."""

import pytest

from shortlinks.domain.webhooks import deliveries, retry_policy, subscriptions
from shortlinks.domain.webhooks.retry_policy import Outcome
from shortlinks.models import (
    Account,
    Contact,
    DeliveryState,
    Webhook,
    WebhookDelivery,
)
from tests import factories
from tests.domain.webhooks.sending import FAILURE, deliver, later, states, write_note
from tests.receivers import Receiver


def test_410_disables_at_once(
    account: Account, contact: Contact, webhook: Webhook, receiver: Receiver
) -> None:
    receiver.answers = [(410, {})]
    write_note(contact)

    deliver()

    webhook.refresh_from_db()
    assert webhook.disabled_at is not None
    assert webhook.disabled_reason == "The receiver answered 410 Gone."
    assert states() == [DeliveryState.FAILED]
    write_note(factories.contact(account))
    assert len(states()) == 1


def test_the_last_attempt_disables_and_says_so(
    contact: Contact,
    webhook: Webhook,
    receiver: Receiver,
    caplog: pytest.LogCaptureFixture,
) -> None:
    receiver.answers = [FAILURE] * 10
    write_note(contact)
    write_note(contact)

    for wait in retry_policy.RETRY_DELAYS:
        later(seconds=wait.total_seconds())
        deliver()

    webhook.refresh_from_db()
    reason = "No event was accepted in 10 attempts; last: Answered 500."
    assert (webhook.disabled_reason, webhook.failures) == (reason, 10)
    assert f"webhook {webhook.id} to 127.0.0.1 disabled: {reason}" in caplog.text
    assert states() == [DeliveryState.FAILED, DeliveryState.PENDING]
    assert len(receiver.received) == 10


def test_what_waited_for_a_disabled_webhook_is_sent_when_it_is_enabled(
    contact: Contact, webhook: Webhook, receiver: Receiver
) -> None:
    write_note(contact)
    subscriptions.disable([webhook])
    deliver()
    assert receiver.received == []

    subscriptions.enable([webhook])
    deliver()

    assert states() == [DeliveryState.DELIVERED]


def test_a_single_event_that_is_refused_does_not_disable_a_receiver_that_lives(
    account: Account, contact: Contact, webhook: Webhook, receiver: Receiver
) -> None:
    write_note(contact)
    WebhookDelivery.objects.update(attempts=9)
    write_note(factories.contact(account))
    receiver.answers = [FAILURE]
    [first, second] = deliveries.claim(10)
    deliveries.record([(second, Outcome(200))])

    deliveries.record([(first, Outcome(500, "Answered 500."))])

    webhook.refresh_from_db()
    assert webhook.disabled_at is None
    assert states() == [DeliveryState.FAILED, DeliveryState.DELIVERED]


def test_retry_after_holds_the_whole_receiver(
    account: Account, contact: Contact, webhook: Webhook, receiver: Receiver
) -> None:
    receiver.answers = [(429, {"Retry-After": "3000"})]
    write_note(contact)
    deliver()
    write_note(factories.contact(account))

    later(seconds=2900)
    deliver()
    assert len(receiver.received) == 1
    later(seconds=100)
    deliver()

    assert len(receiver.received) == 3
    assert states() == [DeliveryState.DELIVERED] * 2


def test_sent_again_it_is_the_same_event(
    contact: Contact, webhook: Webhook, receiver: Receiver
) -> None:
    write_note(contact)
    deliver()

    assert deliveries.resend(WebhookDelivery.objects.all()) == 1
    deliver()

    first, again = receiver.received
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert first.body == again.body


def test_withdrawn_notes_and_what_is_under_way_are_not_sent_again(
    account: Account, webhook: Webhook
) -> None:
    write_note(factories.contact(account))
    WebhookDelivery.objects.update(state=DeliveryState.CANCELLED, due_at=None)
    write_note(factories.contact(account))
    deliveries.claim(1)

    assert deliveries.resend(WebhookDelivery.objects.all()) == 0
