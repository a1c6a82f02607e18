"""Following visits up: the conclusions drawn from the facts (DESIGN 4, 5, 9).

A visit's row is locked, concluded from and marked done in one transaction, so a task
may run twice, die or meet another: every open is followed up exactly once.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import (
    DatabaseError,
    InterfaceError,
    OperationalError,
    connection,
    transaction,
)

from shortlinks.domain import humans, notes, pixels
from shortlinks.domain.humans import Judgement
from shortlinks.models import Verdict

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
ROW_STATES = frozenset({"57014", "55P03"})  # statement time-out, lock not available
BATCH = 1000
MOST_ATTEMPTS = 15

CLAIM = """
SELECT id FROM shortlinks_visit WHERE due_at <= now()
ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
"""
CLAIM_ONE = """
SELECT id FROM shortlinks_visit WHERE id = %s AND due_at <= now()
FOR UPDATE SKIP LOCKED
"""
# The bounds let the planner leave out the partitions of other months.
SELECT_FACTS = """
SELECT visit.id, visit.occurred_at, visit.pixel_sha256,
       visit.method, visit.user_agent, visit.purpose,
       visit.link_id, link.contact_id, link.account_id,
       account.note_window, account.time_zone
FROM shortlinks_visit AS visit
LEFT JOIN shortlinks_shortlink AS link ON link.id = visit.link_id
LEFT JOIN shortlinks_account AS account ON account.id = link.account_id
WHERE visit.id = ANY(%(ids)s) AND visit.id BETWEEN %(first)s AND %(last)s
"""
LOCK_LINKS = """
SELECT id FROM shortlinks_shortlink WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE
"""
MARK_DONE = """
UPDATE shortlinks_visit AS visit
SET verdict = j.verdict, reason = j.reason, due_at = NULL, followed_up_at = now()
FROM unnest(%(ids)s::uuid[], %(verdicts)s::text[], %(reasons)s::text[])
  AS j (id, verdict, reason)
WHERE visit.id = j.id AND visit.id BETWEEN %(first)s AND %(last)s
"""
COUNT = """
INSERT INTO shortlinks_dailyvisits (link_id, day, verdict, visits)
SELECT * FROM unnest(%(links)s::bigint[], %(days)s::date[], %(verdicts)s::text[],
                     %(visits)s::int[]) AS c (link_id, day, verdict, visits)
ORDER BY link_id, day, verdict
ON CONFLICT (link_id, day, verdict) DO UPDATE
  SET visits = shortlinks_dailyvisits.visits + excluded.visits
"""
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


@dataclass(frozen=True, slots=True)
class ClaimedVisit:
    """A locked visit's facts, with what its link says; no link if it is gone."""

    id: UUID
    occurred_at: datetime
    pixel_sha256: bytes | None
    method: str
    user_agent: str
    purpose: str
    link_id: int
    contact_id: int | None
    account_id: int | None
    note_window: int | None
    time_zone: str | None


@dataclass(slots=True)
class FollowedUp:
    """What a follow-up did; `claimed` are also those that failed."""

    claimed: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    notes_new: int = 0
    notes_extended: int = 0
    put_off: int = 0
    set_aside: int = 0

    def add(self, other: "FollowedUp") -> None:
        self.verdicts.update(other.verdicts)
        self.notes_new += other.notes_new
        self.notes_extended += other.notes_extended
        self.put_off += other.put_off
        self.set_aside += other.set_aside


def follow_up(limit: int = BATCH) -> FollowedUp:
    """Follow up the visits that are due, at most `limit`.

    A visit that cannot be concluded from is tried alone, put off, and after 15
    attempts set aside for an administrator; it never stops the others.
    """
    ids: list[UUID] = []
    done = FollowedUp()
    try:
        with transaction.atomic():
            ids = _claim(CLAIM, limit)
            done = _conclude(ids)
    except ROW_FAULTS as error:
        _raise_if_away(error)
        logger.exception("a batch of %d visits failed, trying each alone", len(ids))
        for visit_id in ids:
            done.add(_follow_up_alone(visit_id))
    done.claimed = len(ids)
    return done


def requeue(visits: Iterable[UUID]) -> int:
    """Give visits that were set aside another 15 attempts."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE shortlinks_visit SET due_at = now(), set_aside_at = NULL,"
            " attempts = 0 WHERE id = ANY(%s) AND set_aside_at IS NOT NULL",
            [list(visits)],
        )
        return int(cursor.rowcount)


def _follow_up_alone(visit_id: UUID) -> FollowedUp:
    try:
        with transaction.atomic():
            return _conclude(_claim(CLAIM_ONE, visit_id))
    except ROW_FAULTS as error:  # kept in the row, where an administrator reads it
        _raise_if_away(error)
        logger.exception("visit %s could not be followed up", visit_id)
        with connection.cursor() as cursor:
            cursor.execute(
                PUT_OFF,
                {"id": visit_id, "error": repr(error)[:1000], "most": MOST_ATTEMPTS},
            )
            was_last = any(is_set_aside for (is_set_aside,) in cursor)
        return FollowedUp(put_off=int(not was_last), set_aside=int(was_last))


def _raise_if_away(error: Exception) -> None:
    """A database that is away is no row's fault; a lock or a time-out may be one's."""
    code = getattr(error.__cause__, "sqlstate", None)
    if isinstance(error, OperationalError | InterfaceError) and code not in ROW_STATES:
        raise error


def _claim(query: str, argument: int | UUID) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(query, [argument])
        return [row[0] for row in cursor]


def _conclude(ids: Sequence[UUID]) -> FollowedUp:
    if not ids:
        return FollowedUp()
    bounds: dict[str, Any] = {"ids": list(ids), "first": min(ids), "last": max(ids)}
    with connection.cursor() as cursor:
        cursor.execute(SELECT_FACTS, bounds)
        visits = [ClaimedVisit(*row) for row in cursor]
    judged = [(visit, _judge(visit)) for visit in visits]
    by_people = [
        visit
        for visit, judgement in judged
        if judgement.verdict == Verdict.PERSON and visit.contact_id is not None
    ]
    _lock_links(by_people)
    written = notes.write([_open(visit) for visit in by_people])
    pixels.attach([s for visit in by_people for s in _sightings(visit)])
    _count(judged)
    _mark_done(judged, bounds)
    verdicts = Counter(str(judgement.verdict) for _, judgement in judged)
    return FollowedUp(
        verdicts=verdicts, notes_new=written.new, notes_extended=written.extended
    )


def _judge(visit: ClaimedVisit) -> Judgement:
    return humans.judge(humans.Facts(visit.method, visit.user_agent, visit.purpose))


def _lock_links(visits: Sequence[ClaimedVisit]) -> None:
    """Two workers with opens of one link take turns, in one order."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK_LINKS, [list({visit.link_id for visit in visits})])


def _open(visit: ClaimedVisit) -> notes.Open:
    window = timedelta(seconds=visit.note_window or 0)
    return notes.Open(visit.link_id, visit.occurred_at, window)


def _sightings(visit: ClaimedVisit) -> list[pixels.Sighting]:
    if not visit.pixel_sha256 or visit.contact_id is None or visit.account_id is None:
        return []
    cookie = bytes(visit.pixel_sha256)
    return [
        pixels.Sighting(visit.account_id, visit.contact_id, cookie, visit.occurred_at)
    ]


def _count(judged: Sequence[tuple[ClaimedVisit, Judgement]]) -> None:
    counts = Counter(
        (visit.link_id, _day(visit.occurred_at, visit.time_zone), judgement.verdict)
        for visit, judgement in judged
        if visit.time_zone is not None
    )
    with connection.cursor() as cursor:
        cursor.execute(
            COUNT,
            {
                "links": [link_id for link_id, _, _ in counts],
                "days": [day for _, day, _ in counts],
                "verdicts": [verdict for _, _, verdict in counts],
                "visits": list(counts.values()),
            },
        )


def _day(moment: datetime, time_zone: str) -> date:
    return moment.astimezone(_zone(time_zone)).date()


@cache
def _zone(name: str) -> ZoneInfo:
    """UTC for a name that no longer is one: a wrong day is better than no note."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _mark_done(
    judged: Sequence[tuple[ClaimedVisit, Judgement]], bounds: dict[str, Any]
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            MARK_DONE,
            {
                **bounds,
                "ids": [visit.id for visit, _ in judged],
                "verdicts": [judgement.verdict for _, judgement in judged],
                "reasons": [judgement.reason for _, judgement in judged],
            },
        )
