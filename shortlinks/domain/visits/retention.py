"""Redact the details of old visits.

A watermark stores the last redacted id, so no visit is read twice. Visits, verdicts,
notes and counts stay. No rule changes the verdict of a redacted visit.
"""

from collections.abc import Collection, Iterator
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from shortlinks.domain.postgres import arrays
from shortlinks.domain.visits import visit_records
from shortlinks.models import Visit, Watermark

BATCH_SIZE = 5000
WATERMARK = "details"
BEFORE_ALL = UUID(int=0)

LAST_REDACTED_ID = f"""
coalesce((SELECT visit FROM shortlinks_watermark WHERE name = '{WATERMARK}'),
         '{BEFORE_ALL}'::uuid)
"""  # noqa: S608  built from constants
REDACTED = """
address = NULL, user_agent = '', accept_language = '', referer = '', sec_fetch = '',
purpose = '', accepts_html = DEFAULT
"""
# A visit that is not processed yet keeps the details that its verdict depends on.
REDACT_PAGE = f"""
WITH page AS MATERIALIZED (
  SELECT id FROM shortlinks_visit
  WHERE id > %(after)s AND id < %(until)s ORDER BY id LIMIT %(page)s
), redacted AS (
  UPDATE shortlinks_visit AS visit SET {REDACTED}
  FROM page WHERE visit.id = page.id AND visit.processed_at IS NOT NULL
  RETURNING 1
)
SELECT (SELECT count(*) FROM redacted), (SELECT max(id::text)::uuid FROM page)
"""  # noqa: S608  built from constants
REDACT_LATE = f"""
UPDATE shortlinks_visit SET {REDACTED}
WHERE id = ANY(%(ids)s::uuid[]) AND id BETWEEN %(first)s AND %(last)s
  AND processed_at IS NOT NULL AND id <= {LAST_REDACTED_ID}
"""  # noqa: S608  built from constants


def last_redacted_id() -> UUID:
    """Return the last redacted visit; visits up to it cannot be reclassified."""
    row = Watermark.objects.filter(name=WATERMARK).first()
    return row.visit if row else BEFORE_ALL


def redact_details() -> Iterator[int]:
    """Redact page by page, one transaction each; yield the count of each page."""
    while True:
        with transaction.atomic():
            mark, _ = Watermark.objects.select_for_update().get_or_create(
                name=WATERMARK, defaults={"visit": BEFORE_ALL}
            )
            changed, last = _redact_page(mark.visit)
            if last is None:
                return
            mark.visit = last
            mark.save()
        yield changed


def redact_late(ids: Collection[UUID]) -> None:
    """Redact those of the visits that were processed after the watermark passed them.

    This happens to dead-lettered visits and to old files of the spool.
    """
    until = _until()
    if late := [each for each in ids if each < until]:
        parameters = {"ids": late, "first": min(late), "last": max(late)}
        with connection.cursor() as cursor:
            cursor.execute(REDACT_LATE, arrays.encode_params(parameters))


def count() -> int:
    """Return how many visits would be redacted now."""
    visits = Visit.objects.filter(pk__gt=last_redacted_id(), pk__lt=_until())
    return visits.filter(processed_at__isnull=False).count()


def _redact_page(after: UUID) -> tuple[int, UUID | None]:
    with connection.cursor() as cursor:
        cursor.execute(
            REDACT_PAGE, {"after": after, "until": _until(), "page": BATCH_SIZE}
        )
        changed, last = cursor.fetchone()
    return changed, last


def _until() -> UUID:
    if not settings.VISIT_DETAILS_RETENTION_DAYS:
        return BEFORE_ALL
    end = timezone.now() - timedelta(days=settings.VISIT_DETAILS_RETENTION_DAYS)
    return visit_records.id_bounds(end, end)["first"]
