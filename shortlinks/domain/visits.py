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

from shortlinks.domain import arrays, conclusions, verdicts
from shortlinks.domain.conclusions import Conclusion, StoredVisit
from shortlinks.domain.humans import Judgement
from shortlinks.domain.notes import Written
from shortlinks.models import Revision, Verdict, Visit

logger = logging.getLogger(__name__)

# What a row can be to blame for. Not every Exception: a task's time limit is one.
ROW_FAULTS = (
    DatabaseError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
# statement time-out, lock not available, deadlock
ROW_STATES = frozenset({"57014", "55P03", "40P01"})
BATCH = 1000
MOST_ATTEMPTS = 15
MOST_REVISIONS = 10
MOST_FAILED = 20  # with each batch
OVERRULED = gettext_noop("an administrator's word")

Half = Literal["all", "even", "odd"]

# Who works beside another takes the visits to other links, since each locks its links
# until its end. Written so that the planner takes it for half of the rows.
HALVES = {
    "all": "",
    "even": "AND NOT (link_id %% 2)::int::boolean",
    "odd": "AND (link_id %% 2)::int::boolean",
}
CLAIM = """
SELECT id FROM shortlinks_visit WHERE due_at <= now() AND attempts = 0 {half}
ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
"""
# What failed before would fail a whole batch again: it is tried alone.
SELECT_FAILED = """
SELECT id FROM shortlinks_visit WHERE due_at <= now() AND attempts > 0
ORDER BY due_at LIMIT %s
"""
CLAIM_AGAIN = """
SELECT id FROM shortlinks_visit WHERE id = ANY(%s) AND due_at <= now()
FOR UPDATE SKIP LOCKED
"""
REVISE_LATER = "INSERT INTO shortlinks_revision (visits) VALUES (%s::uuid[])"
PUT_OFF = """
UPDATE shortlinks_visit
SET attempts = attempts + 1, last_error = %(error)s,
    due_at = CASE WHEN attempts + 1 < %(most)s THEN
      now() + least(interval '1 hour', interval '5 s' * 2 ^ attempts)
              * (0.8 + 0.4 * random()) END,
    set_aside_at = CASE WHEN attempts + 1 >= %(most)s THEN now() END
WHERE id = %(id)s AND due_at IS NOT NULL
RETURNING set_aside_at IS NOT NULL
"""


@dataclass(slots=True)
class FollowedUp:
    """What a follow-up did; `claimed` are also those that failed.

    `verdicts` are those of the claimed, `revised` those that others have now.
    """

    claimed: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    revised: Counter[str] = field(default_factory=Counter)
    notes: Written = field(default_factory=Written)
    put_off: int = 0
    set_aside: int = 0

    def add(self, other: "FollowedUp") -> None:
        self.verdicts.update(other.verdicts)
        self.revised.update(other.revised)
        self.notes += other.notes
        self.put_off += other.put_off
        self.set_aside += other.set_aside


def follow_up(limit: int = BATCH, half: Half = "all") -> FollowedUp:
    """Follow up the visits that are due, at most `limit`, to this half of the links.

    A visit that cannot be concluded from is singled out, put off, and after 15
    attempts set aside for an administrator; it never stops the others.
    """
    ids: list[UUID] = []
    done = FollowedUp()
    try:
        with transaction.atomic():
            ids = _claim(CLAIM.format(half=HALVES[half]), limit)
            done = _conclude(ids)
    except ROW_FAULTS as error:
        raise_if_away(error)
        logger.exception("a batch of %d visits failed, trying it in parts", len(ids))
        for part in _parts(ids, error):
            done.add(_follow_up_part(part))
    for failed in _claim(SELECT_FAILED, MOST_FAILED):
        done.add(_follow_up_part([failed]))
    done.add(revise_what_is_left())
    done.claimed = len(ids)
    return done


def revise_what_is_left() -> FollowedUp:
    """Look at what was judged once more, together with what was judged meanwhile.

    Two workers that follow one burst up at the same time see each other's visits only
    when both are done: whoever is done last finds what was missed. A row remembers
    what is still to be looked at, so it may also be the next worker.
    """
    done = FollowedUp()
    for _ in range(MOST_REVISIONS):
        try:
            with transaction.atomic():
                left = Revision.objects.select_for_update(skip_locked=True).first()
                if left is None:
                    break
                done.add(revise(left.visits))
                left.delete()
        except OperationalError as error:  # somebody was in the way: next time
            raise_if_away(error)
            logger.warning("visits are not looked at once more yet: %s", error)
            break
    return done


def revise(ids: Sequence[UUID]) -> FollowedUp:
    """Judge these judged visits and those around them again, within a transaction.

    One at a time for each source: what is read is what others have made of it.
    """
    suspicious = conclusions.in_company(ids)
    return reconsider(suspicious) if suspicious else FollowedUp()


def reconsider(ids: Sequence[UUID]) -> FollowedUp:
    """Judge these judged visits by all that is known now, within a transaction."""
    _take_turns(conclusions.read(ids))
    changed = [c for c in conclusions.of_judged(ids) if c.changes]
    locked = verdicts.lock(changed)
    return FollowedUp(revised=_tally(locked), notes=verdicts.apply(locked))


def _take_turns(visits: Iterable[StoredVisit]) -> None:
    """Until the end of the transaction nobody else revises these sources."""
    keys = {int.from_bytes(v.source[:8], "big", signed=True) for v in visits}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(key) FROM"
            " (SELECT unnest(%s::bigint[]) AS key ORDER BY key) AS keys",
            [arrays.array(sorted(keys))],
        )


def requeue(visits: Iterable[UUID]) -> int:
    """Give visits that were set aside another 15 attempts."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE shortlinks_visit SET due_at = now(), set_aside_at = NULL,"
            " attempts = 0 WHERE id = ANY(%s) AND set_aside_at IS NOT NULL",
            [list(visits)],
        )
        return int(cursor.rowcount)


def overrule(ids: Sequence[UUID], verdict: Verdict) -> int:
    """An administrator's verdict on followed-up visits, which no rule changes again."""
    with transaction.atomic():
        followed_up = Visit.objects.filter(pk__in=ids, followed_up_at__isnull=False)
        locked = list(
            followed_up.select_for_update().order_by("pk").values_list("pk", flat=True)
        )
        if not locked:
            return 0
        judgement = Judgement(verdict, OVERRULED)
        read = conclusions.read(locked)
        verdicts.apply([Conclusion(visit, judgement) for visit in read])
        Visit.objects.filter(pk__in=locked).update(overruled_at=timezone.now())
    return len(locked)


def _conclude(ids: Sequence[UUID]) -> FollowedUp:
    if not ids:
        return FollowedUp()
    mine = set(ids)
    concluded = conclusions.of_claimed(ids)
    claimed = [c for c in concluded if c.visit.id in mine]
    others = verdicts.lock([c for c in concluded if c.visit.id not in mine])
    _remember_to_revise(ids)
    return FollowedUp(
        verdicts=_tally(claimed),
        revised=_tally(others),
        notes=verdicts.apply([*claimed, *others]),
    )


def _remember_to_revise(ids: Sequence[UUID]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(REVISE_LATER, [arrays.array(ids)])


def _tally(concluded: Iterable[Conclusion]) -> Counter[str]:
    return Counter(str(conclusion.judgement.verdict) for conclusion in concluded)


def _follow_up_part(ids: Sequence[UUID]) -> FollowedUp:
    try:
        with transaction.atomic():
            return _conclude(_claim(CLAIM_AGAIN, list(ids)))
    except ROW_FAULTS as error:
        raise_if_away(error)
        if len(ids) == 1:
            return _put_off(ids[0], error)
        done = FollowedUp()
        for part in _parts(ids, error):
            done.add(_follow_up_part(part))
        return done


def _parts(ids: Sequence[UUID], error: Exception) -> list[Sequence[UUID]]:
    """Halves, till the bad row stands alone; but what takes long is waited for once."""
    if _state(error) in ROW_STATES:
        return [[visit_id] for visit_id in ids]
    half = len(ids) // 2
    return [part for part in (ids[:half], ids[half:]) if part]


def _put_off(visit_id: UUID, error: Exception) -> FollowedUp:
    """Kept in the row, where an administrator reads it."""
    logger.error("visit %s could not be followed up: %r", visit_id, error)
    with connection.cursor() as cursor:
        cursor.execute(
            PUT_OFF,
            {"id": visit_id, "error": repr(error)[:1000], "most": MOST_ATTEMPTS},
        )
        was_last = any(is_set_aside for (is_set_aside,) in cursor)
    return FollowedUp(put_off=int(not was_last), set_aside=int(was_last))


def raise_if_away(error: Exception) -> None:
    """A database that is away is no row's fault; a lock or a time-out may be one's."""
    is_of_connection = isinstance(error, OperationalError | InterfaceError)
    if is_of_connection and _state(error) not in ROW_STATES:
        raise error


def _state(error: Exception) -> str | None:
    """Postgres' code for what went wrong, if it was Postgres that said so."""
    return getattr(error.__cause__, "sqlstate", None)


def _claim(query: str, argument: int | list[UUID]) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(query, [argument])
        return [row[0] for row in cursor.fetchall()]
