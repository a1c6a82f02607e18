"""The outbox of webhooks: due deliveries are claimed, and outcomes are recorded.

No lock is held while a request is under way. A claim is a lease, and its attempt is
counted beforehand. If a worker dies, the delivery is sent again with the same id.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from shortlinks.domain.postgres import queries
from shortlinks.domain.webhooks import retry_policy, subscriptions
from shortlinks.domain.webhooks.due_deliveries import DUE_SQL, MAX_PER_WEBHOOK
from shortlinks.domain.webhooks.retry_policy import Outcome
from shortlinks.models import DeliveryState, Webhook, WebhookDelivery
from shortlinks.models.webhooks import TEST

# Longer than any attempt, so that an expired claim belongs to nobody.
LEASE = timedelta(minutes=2)

# Webhooks with the fewest requests under way go first.
CLAIM = f"""
WITH due AS ({DUE_SQL.format(lock="FOR UPDATE SKIP LOCKED")}
  ORDER BY busy, due_at, id LIMIT %(limit)s)
UPDATE shortlinks_webhookdelivery AS delivery
SET attempts = attempts + 1, claimed_at = statement_timestamp(),
    due_at = statement_timestamp() + %(lease)s
FROM due WHERE delivery.id = due.id
RETURNING delivery.payload_data, delivery.id, delivery.webhook_id, delivery.event,
          delivery.event_id, delivery.claimed_at, due.destination, due.secret
"""  # noqa: S608  put together from constants


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """A delivery that this worker may send until its lease expires."""

    payload_data: dict[str, Any]
    id: int
    webhook_id: int
    event: str
    event_id: UUID
    claimed_at: datetime
    destination: str
    secret: str  # encrypted


def claim(limit: int) -> Sequence[ClaimedDelivery]:
    """Claim due deliveries, at most `limit`, for one attempt each."""
    if not limit:
        return []
    parameters = {"limit": limit, "max_per_webhook": MAX_PER_WEBHOOK, "lease": LEASE}
    rows = queries.fetch_dicts(CLAIM, parameters)
    for row in rows:
        row["payload_data"] = json.loads(row["payload_data"])
    return sorted((ClaimedDelivery(**row) for row in rows), key=attrgetter("id"))


@transaction.atomic
def record(outcomes: Sequence[tuple[ClaimedDelivery, Outcome]]) -> None:
    """Record the outcomes of attempts, except of deliveries claimed again meanwhile.

    Webhooks are locked first and deliveries in one order, as in `events`.
    """
    claims = {claimed.id: (claimed, outcome) for claimed, outcome in outcomes}
    locked = Webhook.objects.select_for_update(no_key=True).order_by("pk")
    webhooks = locked.in_bulk({claimed.webhook_id for claimed, _ in outcomes})
    rows = WebhookDelivery.objects.select_for_update().order_by("pk")
    changed: list[WebhookDelivery] = []
    for delivery in rows.filter(pk__in=claims, webhook__in=webhooks):
        claimed, outcome = claims[delivery.pk]
        if delivery.claimed_at == claimed.claimed_at:
            _apply_outcome(webhooks[delivery.webhook_id], delivery, outcome)
            changed.append(delivery)
    _save(changed, list(webhooks.values()))
    for delivery in changed:
        _, outcome = claims[delivery.pk]
        if delivery.state == DeliveryState.FAILED:
            _disable_if_failing(webhooks[delivery.webhook_id], delivery, outcome)


def resend(chosen: Iterable[WebhookDelivery]) -> int:
    """Send deliveries again, with the same id and a new schedule; return their count.

    Skips tests, deliveries of withdrawn notes, and attempts under way. If a webhook is
    disabled or paused, its deliveries wait.
    """
    ids = [each.pk for each in chosen]
    again = WebhookDelivery.objects.filter(pk__in=ids, claimed_at=None)
    again = again.exclude(state=DeliveryState.CANCELLED).exclude(event=TEST)
    return again.update(
        state=DeliveryState.PENDING, attempts=0, due_at=Now(), delivered_at=None
    )


def _apply_outcome(
    webhook: Webhook, delivery: WebhookDelivery, outcome: Outcome
) -> None:
    now = timezone.now()
    delivery.claimed_at = None
    delivery.last_status, delivery.last_error = outcome.status, outcome.error
    if outcome.is_success:
        delivery.state, delivery.due_at = DeliveryState.DELIVERED, None
        delivery.delivered_at = now
    elif delivery.state == DeliveryState.PENDING:  # else the note was withdrawn
        delay = _delay(delivery, outcome)
        delivery.due_at = None if delay is None else now + delay
        delivery.state = DeliveryState.FAILED if delay is None else delivery.state
    if delivery.event != TEST:
        _apply_to_webhook(webhook, outcome, now)


def _delay(delivery: WebhookDelivery, outcome: Outcome) -> timedelta | None:
    """Return the delay of the next attempt; a test has one attempt."""
    if delivery.event == TEST:
        return None
    return retry_policy.next_delay(outcome, delivery.attempts)


def _apply_to_webhook(webhook: Webhook, outcome: Outcome, now: datetime) -> None:
    if not outcome.is_success:
        webhook.failing_since = webhook.failing_since or now
        webhook.failures += 1
        webhook.last_error = outcome.error
        if outcome.pause:
            webhook.paused_until = now + outcome.pause
        return
    webhook.last_success_at = now
    if webhook.disabled_at is None:
        webhook.failing_since, webhook.failures, webhook.last_error = None, 0, ""


def _save(changed: Sequence[WebhookDelivery], webhooks: Sequence[Webhook]) -> None:
    outcome = ("state", "due_at", "last_status", "last_error", "delivered_at")
    WebhookDelivery.objects.bulk_update(changed, ["claimed_at", *outcome])
    failing = ("failing_since", "failures", "last_error", "paused_until")
    Webhook.objects.bulk_update(webhooks, ["last_success_at", *failing])


def _disable_if_failing(
    webhook: Webhook, delivery: WebhookDelivery, outcome: Outcome
) -> None:
    """Disable the webhook if it is gone, or accepted no event since this one happened.

    Internal errors of this service do not disable it.
    """
    if delivery.event == TEST:
        return
    last = webhook.last_success_at
    is_silent = last is None or last < delivery.created_at
    if outcome.is_gone or (is_silent and not outcome.is_our_fault):
        subscriptions.disable_failing(webhook)
