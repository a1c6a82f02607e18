"""Following visits up: the conclusions drawn from the facts (DESIGN 4, 5, 9).

A visit's row is locked, concluded from and marked done in one transaction, so a task
may run twice, die or meet another: every open is followed up exactly once.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from django.db import (
    DatabaseError,
    InterfaceError,
    OperationalError,
    connection,
    transaction,
)
from django.utils import timezone
from django.utils.translation import gettext_noop

from shortlinks.domain.postgres import arrays
from shortlinks.domain.visits import classifier, effects
from shortlinks.domain.visits.bot_detection import Classification
from shortlinks.domain.visits.classifier import ClassifiedVisit, StoredVisit
from shortlinks.domain.visits.open_notes import NoteChanges
from shortlinks.models import ReevaluationBatch, Verdict, Visit

logger = logging.getLogger(__name__)

# What a row can be to blame for. Not every Exception: a task's time limit is one.
ROW_ERRORS = (
    DatabaseError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
# statement time-out, lock not available, deadlock
ROW_SQLSTATES = frozenset({"57014", "55P03", "40P01"})
BATCH_SIZE = 1000
MAX_ATTEMPTS = 15
MAX_REEVALUATIONS_PER_RUN = 10
MAX_RETRIED_PER_BATCH = 20  # with each batch
OVERRIDDEN = gettext_noop("an administrator's word")

Shard = Literal["all", "even", "odd"]

# Who works beside another takes the visits to other links, since each locks its links
# until its end. Written so that the planner takes it for half of the rows.
SHARD_FILTERS = {
    "all": "",
    "even": "AND NOT (link_id %% 2)::int::boolean",
    "odd": "AND (link_id %% 2)::int::boolean",
}
CLAIM = """
SELECT id FROM shortlinks_visit WHERE due_at <= now() AND attempts = 0 {shard}
ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
"""
# What failed before would fail a whole batch again: it is tried alone.
SELECT_FAILED = """
SELECT id FROM shortlinks_visit WHERE due_at <= now() AND attempts > 0
ORDER BY due_at LIMIT %s
"""
RECLAIM = """
SELECT id FROM shortlinks_visit WHERE id = ANY(%s) AND due_at <= now()
FOR UPDATE SKIP LOCKED
"""
REEVALUATE_LATER = (
    "INSERT INTO shortlinks_reevaluationbatch (visits) VALUES (%s::uuid[])"
)
RETRY_LATER = """
UPDATE shortlinks_visit
SET attempts = attempts + 1, last_error = %(error)s,
    due_at = CASE WHEN attempts + 1 < %(most)s THEN
      now() + least(interval '1 hour', interval '5 s' * 2 ^ attempts)
              * (0.8 + 0.4 * random()) END,
    dead_lettered_at = CASE WHEN attempts + 1 >= %(most)s THEN now() END
WHERE id = %(id)s AND due_at IS NOT NULL
RETURNING dead_lettered_at IS NOT NULL
"""


@dataclass(slots=True)
class ProcessingResult:
    """What a follow-up did; `claimed` are also those that failed.

    `verdicts` are those of the claimed, `revised` those that others have now.
    """

    claimed: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    reclassified: Counter[str] = field(default_factory=Counter)
    notes: NoteChanges = field(default_factory=NoteChanges)
    retried: int = 0
    dead_lettered: int = 0

    def add(self, other: "ProcessingResult") -> None:
        self.verdicts.update(other.verdicts)
        self.reclassified.update(other.reclassified)
        self.notes += other.notes
        self.retried += other.retried
        self.dead_lettered += other.dead_lettered


def process_due(limit: int = BATCH_SIZE, shard: Shard = "all") -> ProcessingResult:
    """Follow up the visits that are due, at most `limit`, to this half of the links.

    A visit that cannot be concluded from is singled out, put off, and after 15
    attempts set aside for an administrator; it never stops the others.
    """
    ids: list[UUID] = []
    done = ProcessingResult()
    try:
        with transaction.atomic():
            ids = _claim(CLAIM.format(shard=SHARD_FILTERS[shard]), limit)
            done = _process(ids)
    except ROW_ERRORS as error:
        reraise_if_unavailable(error)
        logger.exception("a batch of %d visits failed, trying it in parts", len(ids))
        for part in _parts(ids, error):
            done.add(_process_part(part))
    for failed in _claim(SELECT_FAILED, MAX_RETRIED_PER_BATCH):
        done.add(_process_part([failed]))
    done.add(run_pending_reevaluations())
    done.claimed = len(ids)
    return done


def run_pending_reevaluations() -> ProcessingResult:
    """Look at what was judged once more, together with what was judged meanwhile.

    Two workers that follow one burst up at the same time see each other's visits only
    when both are done: whoever is done last finds what was missed. A row remembers
    what is still to be looked at, so it may also be the next worker.
    """
    done = ProcessingResult()
    for _ in range(MAX_REEVALUATIONS_PER_RUN):
        try:
            with transaction.atomic():
                left = ReevaluationBatch.objects.select_for_update(
                    skip_locked=True
                ).first()
                if left is None:
                    break
                done.add(reevaluate_related(left.visits))
                left.delete()
        except OperationalError as error:  # somebody was in the way: next time
            reraise_if_unavailable(error)
            logger.warning("visits are not looked at once more yet: %s", error)
            break
    return done


def reevaluate_related(ids: Sequence[UUID]) -> ProcessingResult:
    """Judge these judged visits and those around them again, within a transaction.

    One at a time for each source: what is read is what others have made of it.
    """
    suspicious = classifier.find_related(ids)
    return reevaluate(suspicious) if suspicious else ProcessingResult()


def reevaluate(ids: Sequence[UUID]) -> ProcessingResult:
    """Judge these judged visits by all that is known now, within a transaction."""
    _lock_visitors(classifier.load(ids))
    changed = [c for c in classifier.reclassify(ids) if c.verdict_changed]
    locked = effects.lock(changed)
    return ProcessingResult(reclassified=_tally(locked), notes=effects.apply(locked))


def _lock_visitors(visits: Iterable[StoredVisit]) -> None:
    """Until the end of the transaction nobody else revises these sources."""
    keys = {int.from_bytes(v.visitor_hash[:8], "big", signed=True) for v in visits}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(key) FROM"
            " (SELECT unnest(%s::bigint[]) AS key ORDER BY key) AS keys",
            [arrays.encode(sorted(keys))],
        )


def requeue(visits: Iterable[UUID]) -> int:
    """Give visits that were set aside another 15 attempts."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE shortlinks_visit SET due_at = now(), dead_lettered_at = NULL,"
            " attempts = 0 WHERE id = ANY(%s) AND dead_lettered_at IS NOT NULL",
            [list(visits)],
        )
        return int(cursor.rowcount)


def override_verdict(ids: Sequence[UUID], verdict: Verdict) -> int:
    """An administrator's verdict on followed-up visits, which no rule changes again."""
    with transaction.atomic():
        followed_up = Visit.objects.filter(pk__in=ids, processed_at__isnull=False)
        locked = list(
            followed_up.select_for_update().order_by("pk").values_list("pk", flat=True)
        )
        if not locked:
            return 0
        judgement = Classification(verdict, OVERRIDDEN)
        read = classifier.load(locked)
        effects.apply([ClassifiedVisit(visit, judgement) for visit in read])
        Visit.objects.filter(pk__in=locked).update(overridden_at=timezone.now())
    return len(locked)


def _process(ids: Sequence[UUID]) -> ProcessingResult:
    if not ids:
        return ProcessingResult()
    mine = set(ids)
    concluded = classifier.classify_new(ids)
    claimed = [c for c in concluded if c.visit.id in mine]
    others = effects.lock([c for c in concluded if c.visit.id not in mine])
    _schedule_reevaluation(ids)
    return ProcessingResult(
        verdicts=_tally(claimed),
        reclassified=_tally(others),
        notes=effects.apply([*claimed, *others]),
    )


def _schedule_reevaluation(ids: Sequence[UUID]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(REEVALUATE_LATER, [arrays.encode(ids)])


def _tally(concluded: Iterable[ClassifiedVisit]) -> Counter[str]:
    return Counter(str(conclusion.classification.verdict) for conclusion in concluded)


def _process_part(ids: Sequence[UUID]) -> ProcessingResult:
    try:
        with transaction.atomic():
            return _process(_claim(RECLAIM, list(ids)))
    except ROW_ERRORS as error:
        reraise_if_unavailable(error)
        if len(ids) == 1:
            return _retry_later(ids[0], error)
        done = ProcessingResult()
        for part in _parts(ids, error):
            done.add(_process_part(part))
        return done


def _parts(ids: Sequence[UUID], error: Exception) -> list[Sequence[UUID]]:
    """Halves, till the bad row stands alone; but what takes long is waited for once."""
    if _sqlstate(error) in ROW_SQLSTATES:
        return [[visit_id] for visit_id in ids]
    half = len(ids) // 2
    return [part for part in (ids[:half], ids[half:]) if part]


def _retry_later(visit_id: UUID, error: Exception) -> ProcessingResult:
    """Kept in the row, where an administrator reads it."""
    logger.error("visit %s could not be followed up: %r", visit_id, error)
    with connection.cursor() as cursor:
        cursor.execute(
            RETRY_LATER,
            {"id": visit_id, "error": repr(error)[:1000], "most": MAX_ATTEMPTS},
        )
        was_last = any(is_set_aside for (is_set_aside,) in cursor)
    return ProcessingResult(retried=int(not was_last), dead_lettered=int(was_last))


def reraise_if_unavailable(error: Exception) -> None:
    """A database that is away is no row's fault; a lock or a time-out may be one's."""
    is_of_connection = isinstance(error, OperationalError | InterfaceError)
    if is_of_connection and _sqlstate(error) not in ROW_SQLSTATES:
        raise error


def _sqlstate(error: Exception) -> str | None:
    """Postgres' code for what went wrong, if it was Postgres that said so."""
    return getattr(error.__cause__, "sqlstate", None)


def _claim(query: str, argument: int | list[UUID]) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(query, [argument])
        return [row[0] for row in cursor.fetchall()]
