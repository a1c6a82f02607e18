"""What follows from verdicts: notes, pixels and counters, forth and back.

Called within the transaction that reads the visits. A verdict may change any number of
times; what is left is what its last one says.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from shortlinks.domain import time_zones
from shortlinks.domain.pixels import attachments, consent
from shortlinks.domain.pixels.attachments import Sighting
from shortlinks.domain.postgres import arrays
from shortlinks.domain.visits import open_notes
from shortlinks.domain.visits.classifier import ClassifiedVisit, StoredVisit
from shortlinks.domain.visits.open_notes import NoteChanges, OpenChanges
from shortlinks.models import PixelMode, TrackingConsent, Verdict

# Those of them that nobody else has changed since they were read, in one order.
LOCK = """
SELECT visit.id FROM shortlinks_visit AS visit
JOIN unnest(%(ids)s::uuid[], %(read)s::text[]) AS r (id, verdict) ON visit.id = r.id
WHERE visit.verdict = r.verdict AND visit.overridden_at IS NULL
  AND visit.id BETWEEN %(first)s AND %(last)s
ORDER BY visit.id FOR UPDATE OF visit
"""
LOCK_LINKS = """
SELECT id FROM shortlinks_shortlink WHERE id = ANY(%s::bigint[])
ORDER BY id FOR NO KEY UPDATE
"""
STORE_VERDICTS = """
UPDATE shortlinks_visit AS visit
SET verdict = j.verdict, reason = j.reason, due_at = NULL,
    processed_at = coalesce(processed_at, now()), counted_day = j.day
FROM unnest(%(ids)s::uuid[], %(verdicts)s::text[], %(reasons)s::text[],
            %(days)s::date[]) AS j (id, verdict, reason, day)
WHERE visit.id = j.id AND visit.id BETWEEN %(first)s AND %(last)s
"""
# In one order, so that two that count the same take turns.
LOCK_COUNTS = """
SELECT FROM shortlinks_dailyvisits AS daily
JOIN unnest(%(links)s::bigint[], %(days)s::date[], %(verdicts)s::text[])
  AS c (link_id, day, verdict) USING (link_id, day, verdict)
ORDER BY link_id, day, verdict FOR UPDATE OF daily
"""
INCREMENT = """
INSERT INTO shortlinks_dailyvisits (link_id, day, verdict, visits)
SELECT * FROM unnest(%(links)s::bigint[], %(days)s::date[], %(verdicts)s::text[],
                     %(visits)s::int[]) AS c (link_id, day, verdict, visits)
ORDER BY link_id, day, verdict
ON CONFLICT (link_id, day, verdict) DO UPDATE
  SET visits = shortlinks_dailyvisits.visits + excluded.visits
"""
DECREMENT = """
UPDATE shortlinks_dailyvisits AS daily
SET visits = greatest(daily.visits - c.visits, 0)
FROM unnest(%(links)s::bigint[], %(days)s::date[], %(verdicts)s::text[],
            %(visits)s::int[]) AS c (link_id, day, verdict, visits)
WHERE (daily.link_id, daily.day, daily.verdict) = (c.link_id, c.day, c.verdict)
"""

# Of visits that are locked by now: what is committed later finds their verdicts.
SELECT_REDEEMED = """
SELECT visit_id, previous_cookie_sha256 FROM shortlinks_redemption
WHERE visit_id = ANY(%s::uuid[])
"""

CounterKey = tuple[int, date, str]


def apply(conclusions: Sequence[ClassifiedVisit]) -> NoteChanges:
    """Store the verdicts, and let notes, pixels and counters say the same.

    The visits that were judged before must be locked: see `lock`.
    """
    if not conclusions:
        return NoteChanges()
    gained = [c.visit for c in conclusions if _became_person(c)]
    lost = [c.visit for c in conclusions if _is_no_longer_person(c)]
    _lock_links({visit.link_id for visit in (*gained, *lost)})
    _store_verdicts(conclusions)
    written = open_notes.sync(_opens(gained, lost))
    attachments.update(
        attached=_sightings([visit for visit in gained if _may_track(visit)]),
        withdrawn=_sightings(lost),
    )
    _count(conclusions)
    return written


def attach_browsers(visits: Sequence[StoredVisit]) -> None:
    """Attach the browsers of persons' visits, which are locked, once more."""
    attachments.attach(_sightings([visit for visit in visits if _may_track(visit)]))


def lock(conclusions: Sequence[ClassifiedVisit]) -> list[ClassifiedVisit]:
    """Lock these visits; those that somebody else has changed meanwhile are left out.

    An administrator's verdict is never changed.
    """
    if not conclusions:
        return []
    ids = [c.visit.id for c in conclusions]
    read = [c.visit.verdict for c in conclusions]
    with connection.cursor() as cursor:
        parameters = {"ids": ids, "read": read, "first": min(ids), "last": max(ids)}
        cursor.execute(LOCK, arrays.encode_params(parameters))
        locked = {id_ for (id_,) in cursor}
    return [c for c in conclusions if c.visit.id in locked]


def _became_person(conclusion: ClassifiedVisit) -> bool:
    return _is_by_person(conclusion) and conclusion.visit.verdict != Verdict.PERSON


def _is_no_longer_person(conclusion: ClassifiedVisit) -> bool:
    was_person = conclusion.visit.verdict == Verdict.PERSON
    return (
        was_person
        and conclusion.verdict_changed
        and conclusion.visit.contact_id is not None
    )


def _is_by_person(conclusion: ClassifiedVisit) -> bool:
    is_person = conclusion.classification.verdict == Verdict.PERSON
    return is_person and conclusion.visit.contact_id is not None


def _lock_links(links: set[int]) -> None:
    """Two workers with opens of one link take turns, in one order."""
    if links:
        with connection.cursor() as cursor:
            cursor.execute(LOCK_LINKS, [arrays.encode(list(links))])


def _store_verdicts(conclusions: Sequence[ClassifiedVisit]) -> None:
    ids = [c.visit.id for c in conclusions]
    with connection.cursor() as cursor:
        parameters = {
            "ids": ids,
            "first": min(ids),
            "last": max(ids),
            "verdicts": [c.classification.verdict for c in conclusions],
            "reasons": [c.classification.reason for c in conclusions],
            "days": [_day(c.visit) for c in conclusions],
        }
        cursor.execute(STORE_VERDICTS, arrays.encode_params(parameters))


def _opens(
    gained: Sequence[StoredVisit], lost: Sequence[StoredVisit]
) -> dict[int, OpenChanges]:
    opens: dict[int, OpenChanges] = {}
    for visit in (*gained, *lost):
        window = timedelta(seconds=visit.note_window or 0)
        opens.setdefault(visit.link_id, OpenChanges(window))
    for visit in gained:
        opens[visit.link_id].added.append(visit.occurred_at)
    for visit in lost:
        opens[visit.link_id].removed.append(visit.occurred_at)
    return opens


def _may_track(visit: StoredVisit) -> bool:
    """They may have objected since they opened the link."""
    said = consent.CODES[visit.tracking_consent or TrackingConsent.DENIED]
    return consent.allows(visit.pixel_mode or PixelMode.OFF, said)


def _sightings(visits: Sequence[StoredVisit]) -> list[Sighting]:
    """The cookie's browser; and what the page knew it by, where a site redeemed it."""
    redeemed = _redemptions([visit.id for visit in visits if visit.pixel_sha256])
    return [
        Sighting(
            visit.account_id,
            visit.contact_id,
            bytes(sha256),
            visit.occurred_at,
            is_redeemed=visit.id in redeemed,
        )
        for visit in visits
        for sha256 in (visit.pixel_sha256, redeemed.get(visit.id))
        if sha256 and visit.contact_id and visit.account_id
    ]


def _redemptions(ids: Sequence[UUID]) -> dict[UUID, bytes | None]:
    if not ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(SELECT_REDEEMED, [arrays.encode(ids)])
        return dict(cursor.fetchall())


def _count(conclusions: Sequence[ClassifiedVisit]) -> None:
    more: Counter[CounterKey] = Counter()
    less: Counter[CounterKey] = Counter()
    for conclusion in conclusions:
        visit = conclusion.visit
        if visit.time_zone is not None and conclusion.verdict_changed:
            day = _day(visit)
            more[visit.link_id, day, conclusion.classification.verdict] += 1
            if visit.verdict:
                less[visit.link_id, day, visit.verdict] += 1
    _store_counts(more, less)


def _store_counts(more: Counter[CounterKey], less: Counter[CounterKey]) -> None:
    with connection.cursor() as cursor:
        if less:
            cells = Counter({**more, **less})
            cursor.execute(LOCK_COUNTS, arrays.encode_params(_counters(cells)))
        if more:
            cursor.execute(INCREMENT, arrays.encode_params(_counters(more)))
        if less:
            cursor.execute(DECREMENT, arrays.encode_params(_counters(less)))


def _counters(counts: Counter[CounterKey]) -> dict[str, Any]:
    return {
        "links": [link_id for link_id, _, _ in counts],
        "days": [day for _, day, _ in counts],
        "verdicts": [verdict for _, _, verdict in counts],
        "visits": list(counts.values()),
    }


def _day(visit: StoredVisit) -> date:
    """The account's day, as it was when the visit was first counted."""
    if visit.counted_day is not None:
        return visit.counted_day
    return visit.occurred_at.astimezone(time_zones.get(visit.time_zone or "UTC")).date()
