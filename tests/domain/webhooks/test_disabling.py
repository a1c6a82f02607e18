"""Failing webhooks are disabled or paused, and events are sent again by hand."""

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
from tests.domain.webhooks.steps import (
    FAILURE,
    advance_time,
    deliver,
    states,
    write_note,
)
from tests.receivers import Receiver


def test_webhook_is_disabled_by_status_410(
    account: Account, contact: Contact, webhook: Webhook, receiver: Receiver
) -> None:
    receiver.answers = [(410, {})]
    write_note(contact)

    deliver()

    webhook.refresh_from_db()
    assert webhook.disabled_at is not None
    assert webhook.last_error == "gone"
    assert states() == [DeliveryState.FAILED]
    write_note(factories.contact(account))
    assert len(states()) == 1


def test_webhook_is_disabled_and_logged_after_the_last_attempt(
    contact: Contact,
    webhook: Webhook,
    receiver: Receiver,
    caplog: pytest.LogCaptureFixture,
) -> None:
    receiver.answers = [FAILURE] * 10
    write_note(contact)
    write_note(contact)

    for wait in retry_policy.RETRY_DELAYS:
        advance_time(seconds=wait.total_seconds())
        deliver()

    webhook.refresh_from_db()
    assert (webhook.last_error, webhook.failures) == ("status: 500", 10)
    assert f"webhook {webhook.id} to 127.0.0.1 disabled: status: 500" in caplog.text
    assert states() == [DeliveryState.FAILED, DeliveryState.PENDING]
    assert len(receiver.received) == 10


def test_enabling_sends_events_that_waited(
    contact: Contact, webhook: Webhook, receiver: Receiver
) -> None:
    write_note(contact)
    factories.disable(webhook)
    deliver()
    assert receiver.received == []

    subscriptions.enable([webhook])
    deliver()

    assert states() == [DeliveryState.DELIVERED]


def test_webhook_that_rejects_a_single_event_stays_enabled(
    account: Account, contact: Contact, webhook: Webhook, receiver: Receiver
) -> None:
    write_note(contact)
    WebhookDelivery.objects.update(attempts=9)
    write_note(factories.contact(account))
    receiver.answers = [FAILURE]
    [first, second] = deliveries.claim(10)
    deliveries.record([(second, Outcome(200))])

    deliveries.record([(first, Outcome(500, "status: 500"))])

    webhook.refresh_from_db()
    assert webhook.disabled_at is None
    assert states() == [DeliveryState.FAILED, DeliveryState.DELIVERED]


def test_retry_after_pauses_the_whole_webhook(
    account: Account, contact: Contact, webhook: Webhook, receiver: Receiver
) -> None:
    receiver.answers = [(429, {"Retry-After": "3000"})]
    write_note(contact)
    deliver()
    write_note(factories.contact(account))

    advance_time(seconds=2900)
    deliver()
    assert len(receiver.received) == 1
    advance_time(seconds=100)
    deliver()

    assert len(receiver.received) == 3
    assert states() == [DeliveryState.DELIVERED] * 2


def test_resend_repeats_the_same_event(
    contact: Contact, webhook: Webhook, receiver: Receiver
) -> None:
    write_note(contact)
    deliver()

    assert deliveries.resend(WebhookDelivery.objects.all()) == 1
    deliver()

    first, again = receiver.received
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert first.body == again.body


def test_resend_skips_withdrawn_notes_and_claimed_deliveries(
    account: Account, webhook: Webhook
) -> None:
    write_note(factories.contact(account))
    WebhookDelivery.objects.update(state=DeliveryState.CANCELLED, due_at=None)
    write_note(factories.contact(account))
    deliveries.claim(1)

    assert deliveries.resend(WebhookDelivery.objects.all()) == 0
