"""Load visits together with what their links and accounts store about them."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from shortlinks.domain.burst_windows import SENDER_TEST_PERIOD
from shortlinks.domain.postgres import arrays, queries
from shortlinks.domain.visits import burst_detection, visit_records
from shortlinks.models import Verdict

# The query for a batch reads at most this many visits of one visitor hash.
MAX_VISITS_PER_SOURCE = 300

TimeRange = tuple[datetime, datetime]


class StoredVisit(NamedTuple):
    """A visit with columns of its link, account, contact and redemption, if any.

    The names are those of the query's columns, see `EXPRESSIONS`.
    """

    id: UUID
    link_id: int
    occurred_at: datetime
    method: str
    user_agent: str
    accept_language: str
    referer: str
    sec_fetch: str
    purpose: str
    address: str | None
    staff: str
    visit_count: int
    accepts_html: bool
    is_mixed: bool
    visitor_hash: bytes
    pixel_sha256: bytes | None
    previous_pixel: bytes | None
    verdict: str
    reason: str
    is_overridden: bool
    counted_day: date | None
    contact_id: int | None
    account_id: int | None
    batch: UUID | None
    is_sender_test: bool
    note_window: int | None
    time_zone: str | None
    address_mask: str | None
    suspect_policy: str | None
    pixel_mode: str | None
    has_gesture: bool
    is_known_browser: bool
    is_contact_deleted: bool | None


# Fields that are not columns of the visit.
EXPRESSIONS = {
    "address": "host(visit.address)",
    "previous_pixel": "CASE WHEN NOT visit.pixel_is_new THEN visit.pixel_sha256 END",
    "is_overridden": "visit.overridden_at IS NOT NULL",
    "contact_id": "link.contact_id",
    "account_id": "link.account_id",
    "batch": "link.batch",
    "is_sender_test": """coalesce(
      visit.address = link.created_from
      AND visit.occurred_at < link.created_at + %(sender_test_period)s, false)""",
    "note_window": "account.note_window",
    "time_zone": "account.time_zone",
    "address_mask": "account.address_mask",
    "suspect_policy": "account.suspect_policy",
    "pixel_mode": "account.pixel_mode",
    "has_gesture": """coalesce(
      redemption.is_same_browser AND redemption.gesture_at IS NOT NULL, false)""",
    # Programs keep cookies, too, but only a person's open attaches a browser.
    "is_known_browser": """CASE WHEN visit.pixel_is_new THEN false ELSE EXISTS (
      SELECT FROM shortlinks_pixel AS pixel
      JOIN shortlinks_pixelattachment AS attached ON attached.pixel_id = pixel.id
      WHERE pixel.account_id = link.account_id
        AND pixel.cookie_sha256 = visit.pixel_sha256
        AND attached.first_seen_at < visit.occurred_at) END""",
    "is_contact_deleted": "contact.is_deleted",
}
COLUMNS = ", ".join(
    f"{EXPRESSIONS.get(name, f'visit.{name}')} AS {name}"
    for name in StoredVisit._fields
)
JOINS = """
LEFT JOIN shortlinks_shortlink AS link ON link.id = visit.link_id
LEFT JOIN shortlinks_account AS account ON account.id = link.account_id
LEFT JOIN shortlinks_contact AS contact ON contact.id = link.contact_id
LEFT JOIN shortlinks_redemption AS redemption ON redemption.visit_id = visit.id
"""
# Bounds of ids let the planner exclude the partitions of other months.
SELECT = f"""
SELECT {COLUMNS} FROM shortlinks_visit AS visit {JOINS}
WHERE visit.id = ANY(%(ids)s::uuid[]) AND visit.id BETWEEN %(first)s AND %(last)s
"""  # noqa: S608  built from constants
SELECT_CONTEXT = f"""
SELECT {COLUMNS}
FROM unnest(%(sources)s::bytea[], %(since)s::timestamptz[], %(until)s::timestamptz[])
  AS s (visitor_hash, since, until)
CROSS JOIN LATERAL (
  SELECT * FROM shortlinks_visit AS v
  WHERE v.visitor_hash = s.visitor_hash AND v.occurred_at BETWEEN s.since AND s.until
    AND v.verdict <> '' AND v.id BETWEEN %(first)s AND %(last)s
  ORDER BY v.occurred_at DESC LIMIT %(limit)s) AS visit {JOINS}
"""  # noqa: S608  built from constants
# Visits of one visitor hash matter to each other if they opened several links, or if
# one of them is a suspect. A suspect with an older cookie also matters alone, because a
# visit of the same batch may have attached its browser.
SELECT_RELATED = """
SELECT related.ids
FROM (
  SELECT visitor_hash, min(occurred_at) AS since, max(occurred_at) AS until
  FROM shortlinks_visit
  WHERE id = ANY(%(ids)s::uuid[]) AND id BETWEEN %(first)s AND %(last)s
  GROUP BY visitor_hash) AS s
CROSS JOIN LATERAL (
  SELECT array_agg(v.id) AS ids, count(DISTINCT v.link_id) AS links,
         bool_or(v.verdict = %(suspect)s) AS has_suspect,
         bool_or(v.verdict = %(suspect)s AND v.pixel_sha256 IS NOT NULL
                 AND NOT v.pixel_is_new) AS has_cookie
  FROM (
    SELECT id, link_id, verdict, pixel_sha256, pixel_is_new FROM shortlinks_visit
    WHERE visitor_hash = s.visitor_hash AND verdict <> ''
      AND occurred_at BETWEEN s.since - %(window)s AND s.until + %(window)s
      AND id BETWEEN %(first)s AND %(last)s
    ORDER BY occurred_at DESC LIMIT %(limit)s) AS v) AS related
WHERE related.links >= %(links)s OR related.has_cookie
   OR related.has_suspect AND cardinality(related.ids) > 1
"""


def load(ids: Sequence[UUID]) -> list[StoredVisit]:
    return _select(SELECT, {"ids": list(ids), "first": min(ids), "last": max(ids)})


def load_classified(ranges: Sequence[tuple[bytes, TimeRange]]) -> list[StoredVisit]:
    """Load the classified visits of these visitor hashes within these times."""
    since = [since for _, (since, _) in ranges]
    until = [until for _, (_, until) in ranges]
    parameters = {
        "sources": [visitor_hash for visitor_hash, _ in ranges],
        "since": since,
        "until": until,
        "limit": MAX_VISITS_PER_SOURCE,
    }
    bounds = visit_records.id_bounds(min(since), max(until))
    return _select(SELECT_CONTEXT, parameters | bounds)


def find_related(ids: Sequence[UUID]) -> list[UUID]:
    """Return classified visits near these whose verdicts may depend on each other."""
    if not ids:
        return []
    parameters: dict[str, Any] = {
        "ids": list(ids),
        **visit_records.id_bounds_around(ids),
        "window": burst_detection.CONTEXT_WINDOW,
        "links": burst_detection.MIN_BATCH_LINKS,
        "suspect": Verdict.SUSPECT,
        "limit": MAX_VISITS_PER_SOURCE,
    }
    with connection.cursor() as cursor:
        cursor.execute(SELECT_RELATED, arrays.encode_params(parameters))
        return [id_ for (related,) in cursor for id_ in related]


def _select(query: str, parameters: dict[str, Any]) -> list[StoredVisit]:
    parameters["sender_test_period"] = SENDER_TEST_PERIOD
    rows = queries.fetch_bulk(query, arrays.encode_params(parameters))
    return list(map(StoredVisit._make, rows))
