"""Which deliveries could be sent now, and how late they are.

Apart from those who send them, since health asks: it needs no key and no receiver.
"""

from django.db import connection

# At once for one webhook; one that failed last time is first asked whether it is back.
MAX_CONCURRENT = 4

# What could be sent at this moment. A webhook's deliveries of one contact go one after
# the other, and each webhook has few under way.
DUE_SQL = """
  SELECT webhook.destination, webhook.secret, sent.busy, head.id, head.due_at
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
    {lock}) AS head
  WHERE webhook.disabled_at IS NULL
    AND (webhook.paused_until IS NULL OR webhook.paused_until <= statement_timestamp())
"""
SELECT_LAG = f"""
SELECT extract(epoch FROM statement_timestamp() - min(due_at))::float8
FROM ({DUE_SQL.format(lock="")}) AS sendable
"""  # noqa: S608  put together from constants


def lag_seconds() -> float:
    """How long the oldest has been due that could be sent now, in seconds.

    What waits for a receiver, for its turn or for its next try is not late.
    """
    with connection.cursor() as cursor:
        cursor.execute(SELECT_LAG, {"most": MAX_CONCURRENT})
        return float(cursor.fetchone()[0] or 0)
