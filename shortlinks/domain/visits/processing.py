"""Process visits that are due (docs/architecture.md).

A visit is locked, classified and marked as processed in one transaction. So a task may
run twice, be killed or run alongside others: each visit is processed exactly once.
"""

import logging
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.db import (
    DatabaseError,
    InterfaceError,
    OperationalError,
    connection,
    transaction,
)
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now
from django.utils import timezone

from shortlinks.domain.postgres import arrays
from shortlinks.domain.postgres.bisection import Bisection
from shortlinks.domain.visits import (
    classifier,
    effects,
    published_networks,
    retention,
    stored_visits,
    visit_locks,
)
from shortlinks.domain.visits.bot_detection import Classification
from shortlinks.domain.visits.classifier import ClassifiedVisit
from shortlinks.domain.visits.open_notes import NoteChanges
from shortlinks.domain.visits.stored_visits import StoredVisit
from shortlinks.domain.visits.visit_locks import LockedVisits, Shard
from shortlinks.models import Redemption, ReevaluationBatch, ShortLink, Verdict, Visit

logger = logging.getLogger(__name__)

# Errors that a row may cause. Not every Exception: a task's time limit is one.
ROW_ERRORS = (
    DatabaseError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
# statement timeout, lock not available, deadlock
ROW_SQLSTATES = frozenset({"57014", "55P03", "40P01"})
BATCH_SIZE = 1000
MAX_ATTEMPTS = 15
MAX_RETRY_DELAY_SECONDS = 3600
MAX_REEVALUATIONS_PER_RUN = 10
MAX_RETRIED_PER_BATCH = 20
UNKNOWN_LINK = "link {} does not exist"
OVERRIDDEN = "set by an administrator"

# All facts stay, so that the visits can be processed if their links are restored.
DEAD_LETTER = """
UPDATE shortlinks_visit AS visit
SET due_at = NULL, dead_lettered_at = now(), last_error = lost.error
FROM unnest(%(ids)s::uuid[], %(errors)s::text[]) AS lost (id, error)
WHERE visit.id = lost.id AND visit.id BETWEEN %(first)s AND %(last)s
"""
SCHEDULE_REEVALUATION = (
    "INSERT INTO shortlinks_reevaluationbatch (visits) VALUES (%s::uuid[])"
)


@dataclass(slots=True)
class ProcessingResult:
    """Counts of a run, and whether more visits may be due.

    `claimed` includes failed visits. `verdicts` are those of claimed visits, and
    `reclassified` the new verdicts of others. The links of `lost` visits are unknown.
    """

    claimed: int = 0
    has_more: bool = False
    verdicts: Counter[str] = field(default_factory=Counter)
    reclassified: Counter[str] = field(default_factory=Counter)
    notes: NoteChanges = field(default_factory=NoteChanges)
    retried: int = 0
    dead_lettered: int = 0
    lost: int = 0

    def add(self, other: "ProcessingResult") -> None:
        self.verdicts.update(other.verdicts)
        self.reclassified.update(other.reclassified)
        self.notes += other.notes
        self.retried += other.retried
        self.dead_lettered += other.dead_lettered
        self.lost += other.lost


def process_due(limit: int = BATCH_SIZE, shard: Shard = "all") -> ProcessingResult:
    """Process at most `limit` due visits to the links of this shard.

    A visit that fails is retried later, and dead-lettered after 15 attempts, or at once
    if its link does not exist. It never stops other visits.
    """
    published_networks.load()
    claimed: list[UUID] = []
    done = ProcessingResult()
    try:
        with transaction.atomic():
            locked = visit_locks.claim_new(limit, shard)
            claimed = list(locked.ids)
            done = _process(locked)
    except ROW_ERRORS as error:
        reraise_if_unavailable(error)
        logger.exception("a batch of %d visits failed", len(claimed))
        parts = Bisection[UUID]()
        done = _split_or_retry_later(parts, claimed, error)
        done.add(_process_parts(parts))
    for visit_id in _failed_before():
        done.add(_process_parts(Bisection([visit_id])))
    done.add(run_pending_reevaluations())
    done.claimed = len(claimed)
    done.has_more = len(claimed) == limit
    return done


def run_pending_reevaluations() -> ProcessingResult:
    """Reevaluate recently processed visits together with those processed meanwhile.

    Two workers that process one burst at the same time see each other's visits only
    after both commits. The later one finds what was missed, or another worker does,
    because a row stores the batch.
    """
    done = ProcessingResult()
    for _ in range(MAX_REEVALUATIONS_PER_RUN):
        try:
            with transaction.atomic():
                batches = ReevaluationBatch.objects.select_for_update(skip_locked=True)
                if (batch := batches.first()) is None:
                    break
                done.add(reevaluate_related(batch.visits))
                batch.delete()
        except OperationalError as error:  # a lock: try again with the next batch
            reraise_if_unavailable(error)
            logger.warning("a batch is not reevaluated yet: %s", error)
            break
    return done


def reevaluate_related(ids: Sequence[UUID]) -> ProcessingResult:
    """Classify these and nearby visits again, if their verdicts may be connected."""
    related = stored_visits.find_related(ids)
    return reevaluate(related) if related else ProcessingResult()


def reevaluate(ids: Sequence[UUID]) -> ProcessingResult:
    """Classify processed visits again, one transaction at a time for each visitor."""
    with transaction.atomic(savepoint=False):
        _lock_visitors(stored_visits.load(ids))
        changed = [c for c in classifier.reclassify(ids) if c.verdict_changed]
        locked = visit_locks.lock_unchanged(changed)
        notes = effects.apply(changed, locked)
    return ProcessingResult(reclassified=_tally(locked.among(changed)), notes=notes)


def _lock_visitors(visits: Iterable[StoredVisit]) -> None:
    """Wait until no other transaction reevaluates visits of these visitor hashes."""
    keys = {int.from_bytes(v.visitor_hash[:8], "big", signed=True) for v in visits}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(key) FROM"
            " (SELECT unnest(%s::bigint[]) AS key ORDER BY key) AS keys",
            [arrays.encode(sorted(keys))],
        )


def requeue(ids: Iterable[UUID]) -> int:
    """Give dead-lettered visits another 15 attempts."""
    visits = Visit.objects.dead_lettered().filter(pk__in=list(ids))
    return visits.update(due_at=Now(), dead_lettered_at=None, attempts=0)


def discard_lost(ids: Iterable[UUID]) -> int:
    """Mark dead-lettered visits as processed if their links do not exist."""
    link = ShortLink.objects.filter(pk=OuterRef("link_id"))
    ids = list(ids)
    visits = Visit.objects.dead_lettered().filter(~Exists(link), pk__in=ids)
    with transaction.atomic():
        count = visits.update(processed_at=Now(), dead_lettered_at=None)
        retention.expire_late(ids)
    return count


def override_verdict(ids: Sequence[UUID], verdict: Verdict) -> int:
    """Set an administrator's verdict on processed visits; rules never change it.

    Visits to links of deleted contacts stay as they are.
    """
    with transaction.atomic():
        locked = visit_locks.lock_processed(ids)
        if not locked.ids:
            return 0
        classification = Classification(verdict, OVERRIDDEN)
        loaded = stored_visits.load(list(locked.ids))
        visits = [visit for visit in loaded if not visit.is_contact_deleted]
        effects.apply([ClassifiedVisit(v, classification) for v in visits], locked)
        overridden = Visit.objects.filter(pk__in=[visit.id for visit in visits])
        return overridden.update(overridden_at=timezone.now())


def reraise_if_unavailable(error: Exception) -> None:
    """Raise the error again if it is the connection's; a row may cause the others."""
    is_of_connection = isinstance(error, OperationalError | InterfaceError)
    if is_of_connection and _sqlstate(error) not in ROW_SQLSTATES:
        raise error


def _process(claimed: LockedVisits) -> ProcessingResult:
    if not claimed.ids:
        return ProcessingResult()
    classified = classifier.classify_new(list(claimed.ids))
    others = visit_locks.lock_unchanged(
        [c for c in classified if c.id not in claimed.ids]
    )
    loaded = [c.visit for c in claimed.among(classified)]
    lost = [visit for visit in loaded if visit.contact_id is None]
    if lost:
        _dead_letter(lost)
        claimed = claimed.without(visit.id for visit in lost)
    if unwanted := [v.id for v in loaded if v.is_contact_deleted]:
        _delete(unwanted)
        claimed = claimed.without(unwanted)
    _schedule_reevaluation(claimed)
    notes = effects.apply(classified, claimed | others)
    retention.expire_late(claimed.ids)
    return ProcessingResult(
        verdicts=_tally(claimed.among(classified)),
        reclassified=_tally(others.among(classified)),
        notes=notes,
        lost=len(lost),
    )


def _delete(ids: Sequence[UUID]) -> None:
    """Delete visits to links of contacts that were deleted, perhaps meanwhile."""
    Redemption.objects.filter(visit_id__in=ids).delete()
    Visit.objects.filter(pk__in=ids).delete()


def _dead_letter(visits: Sequence[StoredVisit]) -> None:
    """Keep visits whose links the database has lost (docs/operations.md)."""
    ids = [visit.id for visit in visits]
    errors = [UNKNOWN_LINK.format(visit.link_id) for visit in visits]
    parameters = {"ids": ids, "errors": errors, "first": min(ids), "last": max(ids)}
    with connection.cursor() as cursor:
        cursor.execute(DEAD_LETTER, arrays.encode_params(parameters))
    reason = "their links do not exist, see docs/operations.md"
    logger.error("%d visits are dead-lettered: %s (%s)", len(ids), reason, errors[0])


def _schedule_reevaluation(claimed: LockedVisits) -> None:
    """Insert a `ReevaluationBatch`; without the ORM, which takes twice the time."""
    with connection.cursor() as cursor:
        cursor.execute(SCHEDULE_REEVALUATION, [arrays.encode(list(claimed.ids))])


def _tally(classified: Iterable[ClassifiedVisit]) -> Counter[str]:
    tally: Counter[str] = Counter()
    for each in classified:
        tally[str(each.classification.verdict)] += each.visit.visit_count
    return tally


def _process_parts(parts: Bisection[UUID]) -> ProcessingResult:
    done = ProcessingResult()
    for part in parts:
        try:
            with transaction.atomic():
                processed = _process(visit_locks.claim(part))
        except ROW_ERRORS as error:
            processed = _split_or_retry_later(parts, part, error)
        done.add(processed)
    return done


def _split_or_retry_later(
    parts: Bisection[UUID], failed: Sequence[UUID], error: Exception
) -> ProcessingResult:
    reraise_if_unavailable(error)
    is_slow = _sqlstate(error) in ROW_SQLSTATES
    if not failed or (parts.split_slow if is_slow else parts.split)(failed):
        return ProcessingResult()
    return _retry_later(failed[0], error)


def _failed_before() -> list[UUID]:
    """Return due visits that failed before; each is processed alone."""
    due = Visit.objects.filter(due_at__lte=Now(), attempts__gt=0).order_by("due_at")
    return list(due.values_list("pk", flat=True)[:MAX_RETRIED_PER_BATCH])


def _retry_later(visit_id: UUID, error: Exception) -> ProcessingResult:
    """Schedule the next attempt, or dead-letter the visit, and store the error.

    The database's clock decides, as in `claim`, because a worker's may be wrong.
    """
    logger.error("visit %s could not be processed: %r", visit_id, error)
    with transaction.atomic():
        due = Visit.objects.select_for_update().exclude(due_at=None)
        # The other columns may be what fails.
        if (visit := due.filter(pk=visit_id).only("attempts").first()) is None:
            return ProcessingResult()
        visit.last_error = repr(error)[:1000]
        delay = min(MAX_RETRY_DELAY_SECONDS, 5 * 2**visit.attempts)
        visit.attempts += 1
        is_last = visit.attempts >= MAX_ATTEMPTS
        jittered = timedelta(seconds=delay * random.uniform(0.8, 1.2))  # noqa: S311
        visit.due_at = None if is_last else Now() + jittered
        visit.dead_lettered_at = Now() if is_last else None
        visit.save(
            update_fields=["last_error", "attempts", "due_at", "dead_lettered_at"]
        )
    return ProcessingResult(retried=int(not is_last), dead_lettered=int(is_last))


def _sqlstate(error: Exception) -> str | None:
    return getattr(error.__cause__, "sqlstate", None)
