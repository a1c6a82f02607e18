"""Webhooks are paused by administrators, fail, and receive tests in any state."""

from datetime import timedelta
from operator import attrgetter
from typing import Any

import pytest
from django.utils import timezone

from shortlinks.domain.webhooks import deliveries, events, subscriptions, waiting
from shortlinks.domain.webhooks.deliveries import LEASE
from shortlinks.domain.webhooks.retry_policy import Outcome
from shortlinks.domain.webhooks.subscriptions import Resumption
from shortlinks.models import (
    Account,
    Contact,
    DeliveryState,
    Webhook,
    WebhookDelivery,
    WebhookState,
)
from shortlinks.models.webhooks import TEST
from tests import factories
from tests.domain.webhooks.steps import (
    FAILURE,
    advance_time,
    deliver,
    states,
    write_note,
)
from tests.receivers import Receiver


def state_of(webhook: Webhook) -> str:
    webhook.refresh_from_db()
    return str(webhook.state)


def columns_of(webhook: Webhook) -> tuple[object, ...]:
    webhook.refresh_from_db()
    return webhook.failing_since, webhook.failures, webhook.last_error


def test_events_of_a_paused_webhook_wait_and_are_sent_when_it_is_resumed(
    contact: Contact, webhook: Webhook, receiver: Receiver
) -> None:
    write_note(contact)
    assert subscriptions.pause([webhook]) == 1
    write_note(contact)
    deliver()
    assert receiver.received == []

    assert subscriptions.resume([webhook]) == Resumption(webhooks=1, events=2)
    deliver()

    assert states() == [DeliveryState.DELIVERED] * 2
    assert state_of(webhook) == WebhookState.ACTIVE


def test_pausing_and_resuming_twice_changes_nothing(webhook: Webhook) -> None:
    paused = [subscriptions.pause([webhook]) for _ in range(2)]
    resumed = [subscriptions.resume([webhook]).webhooks for _ in range(2)]

    assert (paused, resumed) == ([1, 0], [1, 0])


def test_disabled_webhook_is_not_paused_but_resumed(webhook: Webhook) -> None:
    factories.disable(webhook)

    assert subscriptions.pause([webhook]) == 0
    assert subscriptions.resume([webhook]) == Resumption(webhooks=1, events=0)
    assert state_of(webhook) == WebhookState.ACTIVE
    assert columns_of(webhook) == (None, 0, "")


def test_webhook_fails_from_its_first_failure_to_its_next_success(
    contact: Contact, webhook: Webhook, receiver: Receiver
) -> None:
    receiver.answers = [FAILURE, (404, {})]
    write_note(contact)
    before = timezone.now()
    deliver()
    since, *_ = columns_of(webhook)
    assert before <= (webhook.failing_since or before) <= timezone.now()

    advance_time(seconds=5)
    deliver()
    assert columns_of(webhook) == (since, 2, "status: 404")
    assert state_of(webhook) == WebhookState.FAILING

    advance_time(minutes=5)
    deliver()
    assert columns_of(webhook) == (None, 0, "")
    assert state_of(webhook) == WebhookState.ACTIVE


def test_failing_webhook_sends_at_once_when_it_is_resumed(
    contact: Contact, webhook: Webhook, receiver: Receiver
) -> None:
    receiver.answers = [FAILURE]
    write_note(contact)
    deliver()

    subscriptions.resume([webhook])
    deliver()

    assert states() == [DeliveryState.DELIVERED]


@pytest.fixture
def late_event(
    account: Account, contact: Contact, webhook: Webhook, receiver: Receiver
) -> None:
    """An event that failed before another contact's event was accepted."""
    receiver.answers = [FAILURE]
    write_note(contact)
    deliver()
    write_note(factories.contact(account))
    deliver()
    receiver.received.clear()


@pytest.mark.parametrize("is_paused", [False, True], ids=["active", "paused"])
def test_late_event_is_sent_when_its_working_webhook_is_resumed(
    late_event: None, webhook: Webhook, receiver: Receiver, *, is_paused: bool
) -> None:
    assert state_of(webhook) == WebhookState.ACTIVE
    assert states() == [DeliveryState.PENDING, DeliveryState.DELIVERED]
    Webhook.objects.update(paused_at=timezone.now() if is_paused else None)

    result = subscriptions.resume([webhook])
    deliver()

    assert result == Resumption(webhooks=int(is_paused), events=1)
    assert states() == [DeliveryState.DELIVERED] * 2
    assert len(receiver.received) == 1


def test_pause_that_the_receiver_requested_ends_with_a_resumption(
    late_event: None, webhook: Webhook, receiver: Receiver
) -> None:
    Webhook.objects.update(paused_until=timezone.now() + timedelta(hours=1))

    subscriptions.resume([webhook])
    deliver()

    assert len(receiver.received) == 1


def test_late_events_are_counted_without_those_under_way_and_tests(
    late_event: None, webhook: Webhook, contact: Contact
) -> None:
    events.enqueue_test(webhook)
    WebhookDelivery.objects.filter(event=TEST).update(due_at=timezone.now() + LEASE)
    [before] = Webhook.objects.with_late_events()
    advance_time(seconds=5)
    deliveries.claim(1)
    [under_way] = Webhook.objects.with_late_events()

    late_events = attrgetter("late_events")
    assert (late_events(before), late_events(under_way)) == (1, 0)
    assert waiting.count([webhook.pk]) == 0


def test_all_late_events_are_released_in_batches_and_counted_up_to_a_limit(
    account: Account, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        write_note(factories.contact(account))
    later = timezone.now() + timedelta(hours=1)
    WebhookDelivery.objects.update(due_at=later, attempts=3)
    monkeypatch.setattr(waiting, "BATCH_SIZE", 2)
    monkeypatch.setattr(waiting, "MAX_COUNTED", 3)

    assert waiting.release([webhook.pk]) == 4
    due = WebhookDelivery.objects.filter(due_at__lte=timezone.now(), attempts=0)
    assert due.count() == 5


def test_delivery_under_way_is_not_sent_again_when_its_webhook_is_resumed(
    contact: Contact, webhook: Webhook, receiver: Receiver
) -> None:
    receiver.answers = [FAILURE]
    write_note(contact)
    deliver()
    advance_time(seconds=5)
    [claimed] = deliveries.claim(1)

    subscriptions.resume([webhook])
    deliver()
    deliveries.record([(claimed, Outcome(200))])

    assert len(receiver.received) == 1
    assert states() == [DeliveryState.DELIVERED]


def test_late_success_does_not_enable_a_disabled_webhook(
    account: Account, contact: Contact, webhook: Webhook
) -> None:
    write_note(contact)
    [claimed] = deliveries.claim(1)
    factories.disable(webhook)

    deliveries.record([(claimed, Outcome(200))])

    assert state_of(webhook) == WebhookState.DISABLED


@pytest.mark.parametrize("state", ["paused", "disabled", "asked to wait", "failing"])
def test_test_is_sent_in_every_state(
    contact: Contact, subscribed: tuple[Webhook, str], receiver: Receiver, state: str
) -> None:
    webhook, secret = subscribed
    now = timezone.now()
    failing: dict[str, Any] = {
        "failing_since": now,
        "failures": 3,
        "last_error": "refused",
    }
    changed: dict[str, dict[str, Any]] = {
        "paused": {"paused_at": now},
        "disabled": {"disabled_at": now, **failing},
        "asked to wait": {"paused_until": now + timedelta(hours=1)},
        "failing": failing,
    }
    write_note(contact)
    Webhook.objects.update(**changed[state])
    WebhookDelivery.objects.update(due_at=now + timedelta(hours=1))
    before = columns_of(webhook)

    events.enqueue_test(webhook)
    deliver()

    [request] = receiver.received
    request.verify(secret)
    assert request.form["test[webhook_id]"] == str(webhook.pk)
    assert states() == [DeliveryState.PENDING, DeliveryState.DELIVERED]
    assert columns_of(webhook) == before


@pytest.mark.parametrize("status", [500, 410, 429])
def test_failed_test_is_not_repeated_and_says_nothing_about_events(
    contact: Contact, webhook: Webhook, receiver: Receiver, status: int
) -> None:
    receiver.answers = [(status, {"Retry-After": "3000"})]

    events.enqueue_test(webhook)
    deliver()
    advance_time(hours=1)
    write_note(contact)
    deliver()

    assert states() == [DeliveryState.FAILED, DeliveryState.DELIVERED]
    assert WebhookDelivery.objects.get(event="test").last_status == status
    assert state_of(webhook) == WebhookState.ACTIVE


def test_one_test_waits_at_a_time(webhook: Webhook, receiver: Receiver) -> None:
    for _ in range(3):
        events.enqueue_test(webhook)
    deliver()
    events.enqueue_test(webhook)
    deliver()

    assert len(receiver.received) == 2


def test_test_of_an_inactive_account_is_not_sent(
    account: Account, webhook: Webhook, receiver: Receiver
) -> None:
    account.is_active = False
    account.save()
    events.enqueue_test(webhook)

    deliver()

    assert receiver.received == []
