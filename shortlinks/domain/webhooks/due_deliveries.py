"""Webhook deliveries that are due, and their lag.

Health checks and metrics read this module, which needs no encryption key.
"""

from django.db import connection

# After a failure, a webhook gets one attempt at a time until one succeeds.
MAX_PER_WEBHOOK = 4

# Deliveries that can be sent now. `{lock}` is empty or locks them. A webhook gets those
# of one contact in order, and at most `MAX_PER_WEBHOOK` at a time. A test is sent at
# once, even if the webhook is paused or disabled.
DUE_SQL = """
  SELECT webhook.destination, webhook.secret, in_progress.busy, head.id, head.due_at
  FROM shortlinks_webhook AS webhook
  JOIN shortlinks_account AS account
    ON account.id = webhook.account_id AND account.is_active
  CROSS JOIN LATERAL (
    SELECT count(*) AS busy FROM shortlinks_webhookdelivery AS d
    WHERE d.webhook_id = webhook.id AND d.state = 'pending'
      AND d.claimed_at IS NOT NULL AND d.due_at > statement_timestamp()) AS in_progress
  CROSS JOIN LATERAL (
    SELECT d.id, d.due_at FROM shortlinks_webhookdelivery AS d
    WHERE d.webhook_id = webhook.id AND d.state = 'pending'
      AND d.due_at <= statement_timestamp() AND d.event <> 'test'
      AND NOT EXISTS (
        SELECT FROM shortlinks_webhookdelivery AS earlier
        WHERE earlier.webhook_id = d.webhook_id AND earlier.contact_id = d.contact_id
          AND earlier.state = 'pending' AND earlier.id < d.id)
    ORDER BY d.due_at, d.id
    LIMIT greatest(
      CASE webhook.failures WHEN 0 THEN %(max_per_webhook)s ELSE 1 END - busy, 0)
    {lock}) AS head
  WHERE webhook.disabled_at IS NULL AND webhook.paused_at IS NULL
    AND (webhook.paused_until IS NULL OR webhook.paused_until <= statement_timestamp())
  UNION ALL
  SELECT webhook.destination, webhook.secret, 0, test.id, test.due_at
  FROM (SELECT d.id, d.webhook_id, d.due_at FROM shortlinks_webhookdelivery AS d
        WHERE d.state = 'pending' AND d.event = 'test'
          AND d.due_at <= statement_timestamp()
        {lock}) AS test
  JOIN shortlinks_webhook AS webhook ON webhook.id = test.webhook_id
  JOIN shortlinks_account AS account
    ON account.id = webhook.account_id AND account.is_active
"""
SELECT_LAG = f"""
SELECT extract(epoch FROM statement_timestamp() - min(due_at))::float8
FROM ({DUE_SQL.format(lock="")}) AS due
"""  # noqa: S608  put together from constants


def lag_seconds() -> float:
    """Return how many seconds the oldest delivery that can be sent now has been due.

    A delivery that waits for its receiver, its turn or its next attempt has no lag.
    """
    with connection.cursor() as cursor:
        cursor.execute(SELECT_LAG, {"max_per_webhook": MAX_PER_WEBHOOK})
        return float(cursor.fetchone()[0] or 0)
