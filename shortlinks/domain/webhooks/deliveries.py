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
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from shortlinks.domain.webhooks import schedule, subscriptions
from shortlinks.domain.webhooks.schedule import Outcome
from shortlinks.models import DeliveryState, Webhook, WebhookDelivery

# Longer than any attempt: a claim that is older belongs to nobody any more.
LEASE = timedelta(minutes=2)
# At once for one webhook; one that failed last time is first asked whether it is back.
MOST_AT_ONCE = 4
KEPT = timedelta(days=30)
DROPPED_AT_ONCE = 5000

# A webhook's deliveries of one contact go one after the other; of all that are due,
# those of the webhooks with the fewest under way go first.
CLAIM = """
WITH due AS (
  SELECT head.id, webhook.destination, webhook.secret
  FROM shortlinks_webhook AS webhook
  JOIN shortlinks_account AS account
    ON account.id = webhook.account_id AND account.is_active
  CROSS JOIN LATERAL (
    SELECT count(*) AS busy FROM shortlinks_webhookdelivery AS d
    WHERE d.webhook_id = webhook.id AND d.state = 'pending'
      AND d.claimed_at IS NOT NULL AND d.due_at > statement_timestamp()) AS sent
  CROSS JOIN LATERAL (
    SELECT d.id, d.due_at FROM shortlinks_webhookdelivery AS d
    WHERE d.webhook_id = webhook.id AND d.state = 'pending'
      AND d.due_at <= statement_timestamp()
      AND NOT EXISTS (
        SELECT FROM shortlinks_webhookdelivery AS earlier
        WHERE earlier.webhook_id = d.webhook_id AND earlier.contact_id = d.contact_id
          AND earlier.state = 'pending' AND earlier.id < d.id)
    ORDER BY d.due_at, d.id
    LIMIT greatest(CASE WHEN webhook.failures = 0 THEN %(most)s ELSE 1 END - busy, 0)
    FOR UPDATE SKIP LOCKED) AS head
  WHERE webhook.disabled_at IS NULL
    AND (webhook.held_until IS NULL OR webhook.held_until <= statement_timestamp())
  ORDER BY busy, head.due_at, head.id LIMIT %(limit)s)
UPDATE shortlinks_webhookdelivery AS delivery
SET attempts = attempts + 1, claimed_at = statement_timestamp(),
    due_at = statement_timestamp() + %(lease)s
FROM due WHERE delivery.id = due.id
RETURNING delivery.facts, delivery.id, delivery.webhook_id, delivery.event_id,
          delivery.claimed_at, due.destination, due.secret
"""
DROP = """
DELETE FROM shortlinks_webhookdelivery WHERE id IN (
  SELECT id FROM shortlinks_webhookdelivery WHERE created_at < %s
  ORDER BY created_at LIMIT %s FOR UPDATE SKIP LOCKED)
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is ours until its lease is over; `secret` is sealed."""

    facts: dict[str, Any]
    id: int
    webhook_id: int
    event_id: UUID
    claimed_at: datetime
    destination: str
    secret: str


def claim(limit: int) -> Sequence[Claimed]:
    """Take deliveries that are due, at most `limit`, for an attempt each."""
    if not limit:
        return []
    parameters: dict[str, Any] = {"limit": limit, "most": MOST_AT_ONCE, "lease": LEASE}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(CLAIM, parameters)
        found = [Claimed(json.loads(facts), *rest) for facts, *rest in cursor]
    return sorted(found, key=lambda claimed: claimed.id)


def is_any_due() -> bool:
    """Whether the bell is worth ringing."""
    pending = WebhookDelivery.objects.filter(state=DeliveryState.PENDING)
    return pending.filter(due_at__lte=Now(), webhook__disabled_at=None).exists()


@transaction.atomic
def record(claimed: Claimed, outcome: Outcome) -> None:
    """Say what came of an attempt; nothing, if it was claimed anew meanwhile."""
    # Webhooks first, as everywhere: see `events.cancel`.
    locked = Webhook.objects.select_for_update(no_key=True)
    webhook = locked.filter(pk=claimed.webhook_id).first()
    ours = WebhookDelivery.objects.filter(pk=claimed.id, claimed_at=claimed.claimed_at)
    if webhook is None:
        return
    if outcome.is_success:
        _record_success(webhook, ours, outcome)
        return
    pending = ours.filter(state=DeliveryState.PENDING)  # and not withdrawn meanwhile
    if delivery := pending.select_for_update().first():
        _record_failure(webhook, delivery, outcome)


def send_again(chosen: Iterable[WebhookDelivery]) -> int:
    """Send these once more, on a new schedule and under the same id.

    Not those of withdrawn notes, nor those that are just under way. While a webhook is
    disabled, they wait.
    """
    ids = [each.pk for each in chosen]
    again = WebhookDelivery.objects.filter(pk__in=ids, claimed_at=None)
    return again.exclude(state=DeliveryState.CANCELLED).update(
        state=DeliveryState.PENDING, attempts=0, due_at=Now(), delivered_at=None
    )


def drop_old() -> int:
    """Forget what happened a month ago, some at a time; how many there were."""
    oldest = timezone.now() - KEPT
    count = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(DROP, [oldest, DROPPED_AT_ONCE])
            count += int(cursor.rowcount)
            if cursor.rowcount < DROPPED_AT_ONCE:
                return count


def _record_success(
    webhook: Webhook, ours: "QuerySet[WebhookDelivery]", outcome: Outcome
) -> None:
    told = ours.update(
        state=DeliveryState.DELIVERED,
        due_at=None,
        claimed_at=None,
        delivered_at=Now(),
        last_status=outcome.status,
        last_error="",
    )
    if told:
        now = Now()
        Webhook.objects.filter(pk=webhook.pk).update(failures=0, last_success_at=now)


def _record_failure(
    webhook: Webhook, delivery: WebhookDelivery, outcome: Outcome
) -> None:
    wait = schedule.next_wait(outcome, delivery.attempts)
    is_given_up = wait is None
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        state=DeliveryState.GIVEN_UP if wait is None else DeliveryState.PENDING,
        due_at=None if wait is None else Now() + wait,
        claimed_at=None,
        last_status=outcome.status,
        last_error=outcome.error,
    )
    held = {"held_until": Now() + outcome.pause} if outcome.pause else {}
    Webhook.objects.filter(pk=webhook.pk).update(failures=webhook.failures + 1, **held)
    if is_given_up and _is_dead(webhook, delivery, outcome):
        subscriptions.give_up(webhook, outcome)


def _is_dead(webhook: Webhook, delivery: WebhookDelivery, outcome: Outcome) -> bool:
    """Not if it accepted other events meanwhile: then it refuses this one only."""
    last = webhook.last_success_at
    is_silent = last is None or last < delivery.created_at
    return outcome.is_gone or (is_silent and not outcome.is_our_fault)
