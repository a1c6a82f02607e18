"""Events that wait for their next attempt, and their release (docs/adr/0015)."""

from collections.abc import Sequence

from django.db import connection, transaction

BATCH_SIZE = 5000
# Users see a larger count as "1000+".
MAX_COUNTED = 1000

# Deliveries of test events never wait. A row without a claim, or with an expired lease
# (`due_at`), is not being sent.
_WAITING = """
  FROM shortlinks_webhookdelivery
  WHERE webhook_id = ANY(%(webhooks)s::bigint[]) AND state = 'pending'
    AND event <> 'test'
    AND (claimed_at IS NULL OR due_at <= statement_timestamp())"""
COUNT = f"""
SELECT count(*) FROM (SELECT 1 {_WAITING} LIMIT %(limit)s) AS waiting
"""  # noqa: S608  put together from constants
# Rows are locked by id, as in `deliveries.record`, to avoid deadlocks.
RELEASE_BATCH = f"""
WITH late AS (
  SELECT id {_WAITING} AND (attempts > 0 OR due_at > statement_timestamp())
    AND id > %(after)s
  ORDER BY id LIMIT %(limit)s FOR UPDATE)
UPDATE shortlinks_webhookdelivery AS delivery
SET due_at = statement_timestamp(), attempts = 0, claimed_at = NULL
FROM late WHERE delivery.id = late.id
RETURNING delivery.id
"""  # noqa: S608  put together from constants


def release(webhooks: Sequence[int]) -> int:
    """Make all waiting events of webhooks due now, in batches, with new schedules.

    Returns how many events waited, but at most `MAX_COUNTED + 1`. If a webhook is
    paused, its events still wait until it is resumed.
    """
    waiting = count(webhooks)
    after = 0
    while True:
        released = _release_batch(webhooks, after)
        if len(released) < BATCH_SIZE:
            return waiting
        after = max(released)


def count(webhooks: Sequence[int]) -> int:
    """Return how many events wait, but at most `MAX_COUNTED + 1`."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"webhooks": list(webhooks), "limit": MAX_COUNTED + 1})
        return int(cursor.fetchone()[0])


@transaction.atomic
def _release_batch(webhooks: Sequence[int], after: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            RELEASE_BATCH,
            {"webhooks": list(webhooks), "after": after, "limit": BATCH_SIZE},
        )
        return [id_ for (id_,) in cursor]
