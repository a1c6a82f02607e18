"""The outbox's other end: what is due is claimed, and what came of it recorded.

No lock is held while a receiver is waited for: a claim is a lease, recorded with the
attempt before it is made. Who dies in between is sent again, with the same id.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from shortlinks.domain.webhooks import retry_policy, subscriptions
from shortlinks.domain.webhooks.backlog import DUE_SQL, MAX_CONCURRENT
from shortlinks.domain.webhooks.retry_policy import Outcome
from shortlinks.models import DeliveryState, Webhook, WebhookDelivery

# Longer than any attempt: a claim that is older belongs to nobody any more.
LEASE = timedelta(minutes=2)
RETENTION = timedelta(days=30)
PURGE_BATCH_SIZE = 5000

# Those of the webhooks with the fewest under way go first.
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
RECORD = """
UPDATE shortlinks_webhookdelivery AS delivery
SET claimed_at = NULL, state = r.state, due_at = r.due_at, last_status = r.status,
    last_error = r.error, delivered_at = r.delivered_at
FROM unnest(%(ids)s::bigint[], %(states)s::text[], %(due)s::timestamptz[],
            %(statuses)s::smallint[], %(errors)s::text[], %(delivered)s::timestamptz[])
  AS r (id, state, due_at, status, error, delivered_at)
WHERE delivery.id = r.id
"""
RECORD_OF_WEBHOOKS = """
UPDATE shortlinks_webhook AS webhook
SET failures = r.failures, last_success_at = r.success_at, paused_until = r.paused_until
FROM unnest(%(ids)s::bigint[], %(failures)s::int[], %(success)s::timestamptz[],
            %(held)s::timestamptz[]) AS r (id, failures, success_at, paused_until)
WHERE webhook.id = r.id
"""
PURGE = """
DELETE FROM shortlinks_webhookdelivery WHERE id IN (
  SELECT id FROM shortlinks_webhookdelivery WHERE created_at < %s
  ORDER BY created_at LIMIT %s FOR UPDATE SKIP LOCKED)
"""


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """A delivery that is ours until its lease is over; `secret` is sealed."""

    payload_data: dict[str, Any]
    id: int
    webhook_id: int
    event: str
    event_id: UUID
    claimed_at: datetime
    destination: str
    secret: str


def claim(limit: int) -> Sequence[ClaimedDelivery]:
    """Take deliveries that are due, at most `limit`, for an attempt each."""
    if not limit:
        return []
    parameters: dict[str, Any] = {
        "limit": limit,
        "most": MAX_CONCURRENT,
        "lease": LEASE,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(CLAIM, parameters)
        found = [ClaimedDelivery(json.loads(facts), *rest) for facts, *rest in cursor]
    return sorted(found, key=lambda claimed: claimed.id)


@transaction.atomic
def record(outcomes: Sequence[tuple[ClaimedDelivery, Outcome]]) -> None:
    """Say what came of attempts; nothing of those that were claimed anew meanwhile.

    Locks webhooks first and deliveries in one order, as `events` does.
    """
    claims = {claimed.id: (claimed, outcome) for claimed, outcome in outcomes}
    locked = Webhook.objects.select_for_update(no_key=True).order_by("pk")
    ids = {claimed.webhook_id for claimed, _ in outcomes}
    webhooks = {webhook.pk: webhook for webhook in locked.filter(pk__in=ids)}
    rows = WebhookDelivery.objects.select_for_update().order_by("pk")
    changed: list[WebhookDelivery] = []
    for delivery in rows.filter(pk__in=claims, webhook__in=webhooks):
        claimed, outcome = claims[delivery.pk]
        if delivery.claimed_at == claimed.claimed_at:
            _conclude(webhooks[delivery.webhook_id], delivery, outcome)
            changed.append(delivery)
    _store(changed, list(webhooks.values()))
    for delivery in changed:
        _, outcome = claims[delivery.pk]
        if delivery.state == DeliveryState.FAILED:
            _disable_if_failing(webhooks[delivery.webhook_id], delivery, outcome)


def resend(chosen: Iterable[WebhookDelivery]) -> int:
    """Send these once more, on a new schedule and under the same id.

    Not those of withdrawn notes, nor those that are just under way. While a webhook is
    disabled, they wait.
    """
    ids = [each.pk for each in chosen]
    again = WebhookDelivery.objects.filter(pk__in=ids, claimed_at=None)
    return again.exclude(state=DeliveryState.CANCELLED).update(
        state=DeliveryState.PENDING, attempts=0, due_at=Now(), delivered_at=None
    )


def purge() -> int:
    """Forget what happened a month ago, some at a time; how many there were."""
    oldest = timezone.now() - RETENTION
    count = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(PURGE, [oldest, PURGE_BATCH_SIZE])
            count += int(cursor.rowcount)
            if cursor.rowcount < PURGE_BATCH_SIZE:
                return count


def _conclude(webhook: Webhook, delivery: WebhookDelivery, outcome: Outcome) -> None:
    now = timezone.now()
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
        wait = retry_policy.next_delay(outcome, delivery.attempts)
        delivery.due_at = None if wait is None else now + wait
        delivery.state = DeliveryState.FAILED if wait is None else delivery.state


def _store(changed: Sequence[WebhookDelivery], webhooks: Sequence[Webhook]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            RECORD,
            {
                "ids": [delivery.pk for delivery in changed],
                "states": [delivery.state for delivery in changed],
                "due": [delivery.due_at for delivery in changed],
                "statuses": [delivery.last_status for delivery in changed],
                "errors": [delivery.last_error for delivery in changed],
                "delivered": [delivery.delivered_at for delivery in changed],
            },
        )
        cursor.execute(
            RECORD_OF_WEBHOOKS,
            {
                "ids": [webhook.pk for webhook in webhooks],
                "failures": [webhook.failures for webhook in webhooks],
                "success": [webhook.last_success_at for webhook in webhooks],
                "held": [webhook.paused_until for webhook in webhooks],
            },
        )


def _disable_if_failing(
    webhook: Webhook, delivery: WebhookDelivery, outcome: Outcome
) -> None:
    """Not if it accepted other events meanwhile: then it refuses this one only."""
    last = webhook.last_success_at
    is_silent = last is None or last < delivery.created_at
    if outcome.is_gone or (is_silent and not outcome.is_our_fault):
        subscriptions.disable_failing(webhook, outcome)
