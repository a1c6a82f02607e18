"""What follows a redeemed click: its browsers belong to the link's contact (pixel R6).

A redemption's row is an outbox, like a visit's. Whether the visit was a person's is the
visit's own affair: what is judged later, or anew, finds the redemption by itself
(`verdicts`).
"""

import logging
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.db import connection, transaction

from shortlinks.domain.pixels.click_redemption import QueryFlow, RedemptionResult
from shortlinks.domain.postgres import arrays
from shortlinks.domain.visits import classifier, effects, processing
from shortlinks.domain.visits.processing import ProcessingResult
from shortlinks.models import Redemption, Verdict

logger = logging.getLogger(__name__)

BATCH_SIZE = 1000
# Nobody waits for a visit that has not come by then.
MAX_WAIT = timedelta(days=1)

SELECT_DUE = """
SELECT visit_id FROM shortlinks_redemption
WHERE due_at <= now() ORDER BY due_at LIMIT %s
"""
CLAIM = """
SELECT visit_id, gesture_at IS NOT NULL FROM shortlinks_redemption
WHERE visit_id = ANY(%s) AND due_at <= now() FOR UPDATE SKIP LOCKED
"""
RETRY_LATER = """
UPDATE shortlinks_redemption
SET due_at = CASE WHEN redeemed_at > now() - %(most_wait)s
             THEN now() + interval '10 min' END
WHERE visit_id = %(id)s
"""
# Whoever judges a visit holds it until the verdict is stored: no waiting, next time.
LOCK_VISITS = """
SELECT id FROM shortlinks_visit
WHERE id = ANY(%(ids)s::uuid[]) AND id BETWEEN %(first)s AND %(last)s
ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
"""
MARK_PROCESSED = """
UPDATE shortlinks_redemption
SET due_at = CASE WHEN visit_id = ANY(%(done)s::uuid[])
                    OR redeemed_at < now() - %(most_wait)s THEN NULL
             ELSE now() + interval '1 s' END
WHERE visit_id = ANY(%(ids)s::uuid[])
"""


def run_queries(dialogue: QueryFlow) -> RedemptionResult:
    """Ask Postgres by Django's connection."""
    try:
        statement, parameters = next(dialogue)
        while True:
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                rows = cursor.fetchall()
            statement, parameters = dialogue.send(rows)
    except StopIteration as end:
        answer: RedemptionResult = end.value
        return answer


def process_due(limit: int = BATCH_SIZE) -> ProcessingResult:
    """Attach the browsers of persons' redeemed clicks; and hear of gestures.

    One that cannot be followed is put off, and stops no other.
    """
    ids = _due(limit)
    try:
        return _process(ids)
    except processing.ROW_ERRORS as error:
        processing.reraise_if_unavailable(error)
        logger.exception("%d redemptions failed, trying each alone", len(ids))
    done = ProcessingResult()
    for id_ in ids:
        done.add(_process_alone(id_))
    return done


def _process_alone(visit_id: UUID) -> ProcessingResult:
    try:
        return _process([visit_id])
    except processing.ROW_ERRORS as error:
        processing.reraise_if_unavailable(error)
        logger.error("the redemption of %s is put off: %r", visit_id, error)  # noqa: TRY400
        with connection.cursor() as cursor:
            parameters = {"id": visit_id, "most_wait": MAX_WAIT}
            cursor.execute(RETRY_LATER, arrays.encode_params(parameters))
        return ProcessingResult()


def _process(ids: Sequence[UUID]) -> ProcessingResult:
    if not ids:
        return ProcessingResult()
    with transaction.atomic():
        claimed = _claim(ids)
        if not claimed:
            return ProcessingResult()
        locked = classifier.load(found) if (found := _lock(list(claimed))) else []
        effects.attach_browsers([v for v in locked if v.verdict == Verdict.PERSON])
        felt = [
            visit.id
            for visit in locked
            if claimed[visit.id] and visit.verdict == Verdict.SUSPECT
        ]
        _mark_processed(list(claimed), done=[v.id for v in locked if v.id not in felt])
    return _reevaluate(felt)


def _reevaluate(ids: Sequence[UUID]) -> ProcessingResult:
    """Scanners run scripts, too; a hand on the page tells a person (visits §2.3)."""
    if not ids:
        return ProcessingResult()
    with transaction.atomic():
        done = processing.reevaluate(ids)
        Redemption.objects.filter(visit_id__in=ids).update(due_at=None)
    return done


def _due(limit: int) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(SELECT_DUE, [limit])
        return [id_ for (id_,) in cursor]


def _claim(ids: Sequence[UUID]) -> dict[UUID, bool]:
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [list(ids)])
        return dict(cursor.fetchall())


def _lock(ids: Sequence[UUID]) -> list[UUID]:
    parameters = {"ids": ids, "first": min(ids), "last": max(ids)}
    with connection.cursor() as cursor:
        cursor.execute(LOCK_VISITS, arrays.encode_params(parameters))
        return [id_ for (id_,) in cursor]


def _mark_processed(ids: Sequence[UUID], *, done: Sequence[UUID]) -> None:
    parameters = {"ids": ids, "done": done, "most_wait": MAX_WAIT}
    with connection.cursor() as cursor:
        cursor.execute(MARK_PROCESSED, arrays.encode_params(parameters))
