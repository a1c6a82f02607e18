"""What visits said of people's devices is forgotten after a time (reference §3.6).

In the order of the ids, and a row remembers how far: nothing is looked at twice. The
visits stay with their verdicts, in notes and counts.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from shortlinks.domain.visits import visit_records
from shortlinks.models import Watermark

BATCH_SIZE = 5000
WATERMARK = "details"
BEFORE_ALL = UUID(int=0)

# What still waits for its verdict keeps what it is judged by.
REDACT = """
WITH page AS MATERIALIZED (
  SELECT id FROM shortlinks_visit
  WHERE id > %(after)s AND id < %(until)s ORDER BY id LIMIT %(page)s
), forgotten AS (
  UPDATE shortlinks_visit AS visit
  SET address = NULL, user_agent = '', accept_language = '', referer = '',
      sec_fetch = '', purpose = ''
  FROM page WHERE visit.id = page.id AND visit.processed_at IS NOT NULL
  RETURNING 1
)
SELECT (SELECT count(*) FROM forgotten), (SELECT max(id::text)::uuid FROM page)
"""
COUNT = """
SELECT count(*) FROM shortlinks_visit
WHERE id > %(after)s AND id < %(until)s AND processed_at IS NOT NULL
"""


def last_redacted_id() -> UUID:
    """Details of visits up to this one are forgotten: they cannot be judged again."""
    row = Watermark.objects.filter(name=WATERMARK).first()
    return row.visit if row else BEFORE_ALL


def redact_details() -> Iterator[int]:
    """Page by page, each in a transaction of its own: how many visits were changed."""
    while True:
        with transaction.atomic():
            mark, _ = Watermark.objects.select_for_update().get_or_create(
                name=WATERMARK, defaults={"visit": BEFORE_ALL}
            )
            changed, last = _query(REDACT, mark.visit, page=BATCH_SIZE)
            if last is None:
                return
            mark.visit = last
            mark.save()
        yield changed


def count() -> int:
    """How many visits `forget` would change now."""
    [changed] = _query(COUNT, last_redacted_id())
    return int(changed)


def _query(query: str, after: UUID, **parameters: int) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(query, {"after": after, "until": _until(), **parameters})
        row: tuple[Any, ...] = cursor.fetchone()
    return row


def _until() -> UUID:
    if not settings.VISIT_DETAILS_RETENTION_DAYS:
        return BEFORE_ALL
    end = timezone.now() - timedelta(days=settings.VISIT_DETAILS_RETENTION_DAYS)
    return visit_records.id_bounds(end, end)["first"]
