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
from shortlinks.domain.webhooks.backlog import DUE_SQL, MAX_CONCURRENT
from shortlinks.domain.webhooks.retry_policy import Outcome
from shortlinks.models import DeliveryState, Webhook, WebhookDelivery

# Longer than any attempt, so that an expired claim belongs to nobody.
LEASE = timedelta(minutes=2)
RETENTION = timedelta(days=30)
PURGE_BATCH_SIZE = 5000

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
    parameters = {"limit": limit, "max_concurrent": MAX_CONCURRENT, "lease": LEASE}
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

    Skips those of withdrawn notes and those under way. If a webhook is disabled, its
    deliveries wait.
    """
    ids = [each.pk for each in chosen]
    again = WebhookDelivery.objects.filter(pk__in=ids, claimed_at=None)
    return again.exclude(state=DeliveryState.CANCELLED).update(
        state=DeliveryState.PENDING, attempts=0, due_at=Now(), delivered_at=None
    )


def purge() -> int:
    """Delete deliveries older than `RETENTION`, in batches; return their count."""
    old = WebhookDelivery.objects.filter(created_at__lt=timezone.now() - RETENTION)
    total = 0
    while True:
        with transaction.atomic():
            locked = old.order_by("created_at").select_for_update(skip_locked=True)
            batch = locked.values("pk")[:PURGE_BATCH_SIZE]
            count, _ = WebhookDelivery.objects.filter(pk__in=batch).delete()
        total += count
        if count < PURGE_BATCH_SIZE:
            return total


def _apply_outcome(
    webhook: Webhook, delivery: WebhookDelivery, outcome: Outcome
) -> None:
    now = timezone.now()
    delivery.claimed_at = None
    delivery.last_status, delivery.last_error = outcome.status, outcome.error
    if outcome.is_success:
        delivery.state, delivery.due_at = DeliveryState.DELIVERED, None
        delivery.delivered_at = webhook.last_success_at = now
        webhook.failures = 0
        return
    webhook.failures += 1
    if outcome.pause:
        webhook.paused_until = now + outcome.pause
    if delivery.state == DeliveryState.PENDING:  # else the note was withdrawn meanwhile
        delay = retry_policy.next_delay(outcome, delivery.attempts)
        delivery.due_at = None if delay is None else now + delay
        delivery.state = DeliveryState.FAILED if delay is None else delivery.state


def _save(changed: Sequence[WebhookDelivery], webhooks: Sequence[Webhook]) -> None:
    outcome = ("state", "due_at", "last_status", "last_error", "delivered_at")
    WebhookDelivery.objects.bulk_update(changed, ["claimed_at", *outcome])
    receiver = ("failures", "last_success_at", "paused_until")
    Webhook.objects.bulk_update(webhooks, receiver)


def _disable_if_failing(
    webhook: Webhook, delivery: WebhookDelivery, outcome: Outcome
) -> None:
    """Disable the webhook, unless it accepted other events since this one happened."""
    last = webhook.last_success_at
    is_silent = last is None or last < delivery.created_at
    if outcome.is_gone or (is_silent and not outcome.is_our_fault):
        subscriptions.disable_failing(webhook, outcome)
