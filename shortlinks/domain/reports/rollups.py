"""Roll up daily visits by account and by source URL (docs/adr/0028).

A trigger stores each change of `DailyVisits` as a delta. `update` adds deltas to the
rollups and deletes them in the same transaction. A lock admits one process at a time.
"""

import time

from django.db import connection, transaction

BATCH_SIZE = 20  # deltas, one for each statement of up to a thousand visits
LOCK = "SELECT shortlinks_lock_rollups()"
# In one statement, so all its parts read the rollups as they were before it.
ADD = """
WITH delta AS (
  DELETE FROM shortlinks_dailyvisitsdelta
  WHERE id IN (SELECT id FROM shortlinks_dailyvisitsdelta ORDER BY id LIMIT %(most)s)
  RETURNING links, days, verdicts, visits),
cell AS MATERIALIZED (
  SELECT link.account_id, link.url_sha256, c.link_id, c.day, c.verdict,
         sum(c.visits) AS visits
  FROM delta CROSS JOIN unnest(delta.links, delta.days, delta.verdicts, delta.visits)
    AS c (link_id, day, verdict, visits)
  JOIN shortlinks_shortlink AS link ON link.id = c.link_id
  GROUP BY 1, 2, 3, 4, 5),
by_verdict AS (
  INSERT INTO shortlinks_accountdailyvisits AS known (account_id, day, verdict, visits)
  SELECT account_id, day, verdict, sum(visits) FROM cell GROUP BY 1, 2, 3
  ON CONFLICT (account_id, day, verdict) DO UPDATE
    SET visits = known.visits + excluded.visits),
opened AS (
  SELECT DISTINCT account_id, url_sha256, link_id FROM cell WHERE verdict = 'person'),
moved AS MATERIALIZED (
  SELECT opened.*, before.day AS old, latest.day AS new
  FROM opened LEFT JOIN shortlinks_linklastopen AS before USING (link_id)
  CROSS JOIN LATERAL (
    SELECT max(daily.day) AS day FROM shortlinks_dailyvisits AS daily
    WHERE daily.link_id = opened.link_id AND daily.verdict = 'person'
      AND daily.visits > 0) AS latest
  WHERE before.day IS DISTINCT FROM latest.day),
by_link AS (
  INSERT INTO shortlinks_linklastopen (link_id, day) SELECT link_id, new FROM moved
  ON CONFLICT (link_id) DO UPDATE SET day = excluded.day),
by_url AS (
  INSERT INTO shortlinks_urldailyopens AS known
    (account_id, day, url_sha256, opens, last_opened_links, link_id)
  SELECT account_id, day, url_sha256, sum(opens), sum(last_opened_links), max(link_id)
  FROM (
    SELECT account_id, day, url_sha256, visits AS opens, 0 AS last_opened_links, link_id
    FROM cell WHERE verdict = 'person'
    UNION ALL
    SELECT account_id, new, url_sha256, 0, 1, link_id FROM moved WHERE new IS NOT NULL
    UNION ALL
    SELECT account_id, old, url_sha256, 0, -1, link_id FROM moved WHERE old IS NOT NULL
    ) AS change
  GROUP BY 1, 2, 3
  ON CONFLICT (account_id, day, url_sha256) DO UPDATE
    SET opens = known.opens + excluded.opens,
        last_opened_links = known.last_opened_links + excluded.last_opened_links,
        link_id = excluded.link_id)
SELECT count(*) FROM delta
"""


def update(deadline: float) -> int:
    """Add deltas until none is left or the monotonic deadline; return their count."""
    added = 0
    while time.monotonic() < deadline:
        deltas = _add()
        added += deltas
        if deltas < BATCH_SIZE:
            break
    return added


def _add() -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LOCK)
        cursor.execute(ADD, {"most": BATCH_SIZE})
        return int(cursor.fetchone()[0])
