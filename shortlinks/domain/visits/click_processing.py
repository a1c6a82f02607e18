"""Process redeemed clicks: attach their browsers to the links' contacts.

A redemption is an outbox row, like a visit. It does not decide whether the visit was a
person's: `effects` finds the redemption when the visit is classified.
"""

import logging
from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import Case, Q, When
from django.db.models.functions import Now

from shortlinks.domain.pixels import consent
from shortlinks.domain.pixels.click_redemption import QueryFlow, RedemptionResult
from shortlinks.domain.postgres.bisection import Bisection
from shortlinks.domain.visits import effects, processing, stored_visits, visit_locks
from shortlinks.domain.visits.processing import ProcessingResult
from shortlinks.domain.visits.stored_visits import StoredVisit
from shortlinks.models import Redemption, Verdict

logger = logging.getLogger(__name__)

BATCH_SIZE = 1000
MAX_WAIT = timedelta(days=1)  # for a visit that is not stored yet
POLL_INTERVAL = timedelta(seconds=1)
RETRY_DELAY = timedelta(minutes=10)
MAX_CONFLICTS = 3  # deadlocks and timeouts of one redemption, before RETRY_DELAY


def run_queries(flow: QueryFlow) -> RedemptionResult:
    """Run the flow's queries on Django's connection."""
    try:
        statement, parameters = next(flow)
        while True:
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                rows = cursor.fetchall()
            statement, parameters = flow.send(rows)
    except StopIteration as end:
        result: RedemptionResult = end.value
        return result


def process_due(limit: int = BATCH_SIZE) -> ProcessingResult:
    """Process at most `limit` due redemptions; one that fails does not stop others."""
    due = Redemption.objects.filter(due_at__lte=Now()).order_by("due_at")
    done = ProcessingResult()
    parts = Bisection(list(due.values_list("pk", flat=True)[:limit]))
    for part in parts:
        try:
            done.add(_process_alone(part) if len(part) == 1 else _process(part))
        except processing.ROW_ERRORS as error:
            processing.reraise_if_unavailable(error)
            if not parts.split(part):
                _retry_later(part[0], error)
    return done


def _process_alone(part: Sequence[UUID]) -> ProcessingResult:
    """Process one redemption; try again a few times after a deadlock or timeout."""
    for _ in range(MAX_CONFLICTS):
        try:
            return _process(part)
        except OperationalError as error:
            processing.reraise_if_unavailable(error)
            logger.warning("the redemption of %s is tried again: %s", part[0], error)
    return _process(part)


def _process(ids: Sequence[UUID]) -> ProcessingResult:
    with transaction.atomic():
        _lock_contacts(ids)
        claimed = _claim(ids)
        locked = visit_locks.lock_idle(claimed)
        visits = stored_visits.load(list(locked.ids)) if locked.ids else []
        effects.attach_browsers(visits, locked)
        suspects = [v.id for v in visits if _is_suspect_with_gesture(v)]
        _mark_processed(claimed, done=locked.ids.difference(suspects))
    return _reevaluate(suspects)


def _lock_contacts(ids: Sequence[UUID]) -> None:
    """Lock the contacts of these redemptions, before `_claim` locks the redemptions.

    A refused consent, which deletes redemptions, locks in the same order.
    """
    redeemed = Redemption.objects.filter(pk__in=ids)
    consent.lock(set(redeemed.values_list("contact", flat=True)))


def _claim(ids: Sequence[UUID]) -> list[UUID]:
    due = Redemption.objects.filter(pk__in=ids, due_at__lte=Now())
    return list(due.select_for_update(skip_locked=True).values_list("pk", flat=True))


def _is_suspect_with_gesture(visit: StoredVisit) -> bool:
    return visit.has_gesture and visit.verdict == Verdict.SUSPECT


def _mark_processed(claimed: Collection[UUID], *, done: Collection[UUID]) -> None:
    """Mark the redemptions in `done` as processed; try the others again, for a day.

    The visits of the others are locked, not stored yet, or about to be reevaluated. The
    database's clock decides, as in `_claim`, because a worker's may be wrong.
    """
    is_done = Q(pk__in=done) | Q(redeemed_at__lt=Now() - MAX_WAIT)
    Redemption.objects.filter(pk__in=claimed).update(
        due_at=Case(When(is_done, then=None), default=Now() + POLL_INTERVAL)
    )


def _reevaluate(ids: Sequence[UUID]) -> ProcessingResult:
    """Reevaluate suspects with a gesture; scanners run scripts, but touch nothing."""
    if not ids:
        return ProcessingResult()
    with transaction.atomic():
        done = processing.reevaluate(ids)
        Redemption.objects.filter(pk__in=ids).update(due_at=None)
    return done


def _retry_later(visit_id: UUID, error: Exception) -> None:
    logger.error("the redemption of %s is retried later: %r", visit_id, error)
    is_recent = Q(redeemed_at__gt=Now() - MAX_WAIT)
    Redemption.objects.filter(pk=visit_id).update(
        due_at=Case(When(is_recent, then=Now() + RETRY_DELAY))
    )
