"""Apply or revert the effects of verdicts on notes, pixels and counters.

A verdict may change any number of times. Only the effects of the last one remain.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from shortlinks.domain import time_zones
from shortlinks.domain.pixels import attachments, consent
from shortlinks.domain.pixels.attachments import Sighting
from shortlinks.domain.postgres import arrays
from shortlinks.domain.visits import open_notes
from shortlinks.domain.visits.classifier import ClassifiedVisit
from shortlinks.domain.visits.open_notes import NoteChanges, Open, OpenChanges
from shortlinks.domain.visits.stored_visits import StoredVisit
from shortlinks.domain.visits.visit_locks import LockedVisits
from shortlinks.models import Evidence, MergeCheck, PixelMode, Verdict

STORE_VERDICTS = """
UPDATE shortlinks_visit AS visit
SET verdict = j.verdict, reason = j.reason, due_at = NULL,
    processed_at = coalesce(processed_at, now()), counted_day = j.day
FROM unnest(%(ids)s::uuid[], %(verdicts)s::text[], %(reasons)s::text[],
            %(days)s::date[]) AS j (id, verdict, reason, day)
WHERE visit.id = j.id AND visit.id BETWEEN %(first)s AND %(last)s
"""
# In one order, so that transactions with the same counters cannot deadlock.
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
# The visits are locked, so a redemption that is committed later finds their verdicts.
SELECT_REDEEMED = """
SELECT visit_id, previous_cookie_sha256, is_same_browser FROM shortlinks_redemption
WHERE visit_id = ANY(%s::uuid[])
"""

CounterKey = tuple[int, date, str]
REDEEMED = Evidence.CLICK_REDEEMED


class _Redeemed(NamedTuple):
    """A redemption, with the cookie of the page's browser unless it is the visit's."""

    page_sha256: bytes | None
    is_same_browser: bool


def apply(classified: Sequence[ClassifiedVisit], locked: LockedVisits) -> NoteChanges:
    """Store the verdicts of locked visits; update notes, pixels and counters.

    Visits to links of deleted contacts stay as they are.
    """
    classified = [c for c in locked.among(classified) if not c.visit.is_contact_deleted]
    if not classified:
        return NoteChanges()
    gained = [c for c in classified if _became_person(c)]
    lost = [c.visit for c in classified if _is_no_longer_person(c)]
    restated = [c for c in classified if _is_restated(c)]
    consents = _lock_consents([*lost, *(c.visit for c in (*gained, *restated))])
    opens = open_notes.lock_links(_opens(gained, lost, restated))
    _store_verdicts(classified)
    changes = open_notes.sync(opens)
    attachments.update(
        attached=_sightings([c.visit for c in gained if _may_track(c.visit, consents)]),
        withdrawn=_sightings(lost),
    )
    if lost:
        _enqueue_withdrawals(lost)
    _count(classified)
    return changes


def attach_browsers(visits: Sequence[StoredVisit], locked: LockedVisits) -> None:
    """Attach the browsers of locked visits whose click was redeemed."""
    persons = [v for v in locked.among(visits) if v.verdict == Verdict.PERSON]
    consents = _lock_consents(persons)
    attachments.attach(_sightings([v for v in persons if _may_track(v, consents)]))


def _became_person(classified: ClassifiedVisit) -> bool:
    return _is_by_person(classified) and classified.visit.verdict != Verdict.PERSON


def _is_no_longer_person(classified: ClassifiedVisit) -> bool:
    was_person = classified.visit.verdict == Verdict.PERSON
    return (
        was_person
        and classified.verdict_changed
        and classified.visit.contact_id is not None
    )


def _is_by_person(classified: ClassifiedVisit) -> bool:
    is_person = classified.classification.verdict == Verdict.PERSON
    return is_person and classified.visit.contact_id is not None


def _is_restated(classified: ClassifiedVisit) -> bool:
    """Return whether a person's visit has only a new reason, which its note shows."""
    return _is_by_person(classified) and classified.reason_changed


def _enqueue_withdrawals(lost: Sequence[StoredVisit]) -> None:
    """Enqueue checks that undo merges and close suggestions based on these opens."""
    MergeCheck.objects.bulk_create(
        MergeCheck(withdrawn_visit=visit.id) for visit in lost if visit.pixel_sha256
    )


def _store_verdicts(classified: Sequence[ClassifiedVisit]) -> None:
    ids = [c.visit.id for c in classified]
    with connection.cursor() as cursor:
        parameters = {
            "ids": ids,
            "first": min(ids),
            "last": max(ids),
            "verdicts": [c.classification.verdict for c in classified],
            "reasons": [c.classification.reason for c in classified],
            "days": [_day(c.visit) for c in classified],
        }
        cursor.execute(STORE_VERDICTS, arrays.encode_params(parameters))


def _opens(
    gained: Sequence[ClassifiedVisit],
    lost: Sequence[StoredVisit],
    restated: Sequence[ClassifiedVisit],
) -> dict[int, OpenChanges]:
    """Return the changes of opens by link; an open with a new reason is replaced."""
    opens: dict[int, OpenChanges] = {}
    for classified in (*gained, *restated):
        visit = classified.visit
        reason = classified.classification.reason
        opened = Open(visit.occurred_at, reason, visit.visit_count)
        _changes_of(opens, visit).added.append(opened)
    for visit in (*lost, *(classified.visit for classified in restated)):
        _changes_of(opens, visit).removed.append(visit.occurred_at)
    return opens


def _changes_of(opens: dict[int, OpenChanges], visit: StoredVisit) -> OpenChanges:
    window = timedelta(seconds=visit.note_window or 0)
    return opens.setdefault(visit.link_id, OpenChanges(window))


def _lock_consents(visits: Sequence[StoredVisit]) -> dict[int, int]:
    """Lock the contacts; return their consents, which may be newer than the opens."""
    return consent.lock({v.contact_id for v in visits if v.contact_id is not None})


def _may_track(visit: StoredVisit, consents: Mapping[int, int]) -> bool:
    code = consents.get(visit.contact_id or 0, consent.DENIED)
    return consent.allows(visit.pixel_mode or PixelMode.OFF, code)


def _sightings(visits: Sequence[StoredVisit]) -> list[Sighting]:
    """Return the visits' browsers, and those of pages that redeemed the clicks."""
    redeemed = _redemptions([visit.id for visit in visits if visit.pixel_sha256])
    return [
        sighting
        for visit in visits
        for sighting in _visit_sightings(visit, redeemed.get(visit.id))
    ]


def _visit_sightings(
    visit: StoredVisit, redeemed: _Redeemed | None
) -> Iterator[Sighting]:
    if not (visit.pixel_sha256 and visit.contact_id and visit.account_id):
        return
    sighting = Sighting(
        visit.account_id,
        visit.contact_id,
        bytes(visit.pixel_sha256),
        visit.occurred_at,
        is_returning=visit.previous_pixel is not None,
    )
    if redeemed is None:
        yield sighting
        return
    if redeemed.is_same_browser:
        is_returning = sighting.is_returning or visit.has_gesture
        yield replace(sighting, evidence=REDEEMED, is_returning=is_returning)
    else:
        yield sighting
    if redeemed.page_sha256:
        yield replace(
            sighting,
            cookie_sha256=bytes(redeemed.page_sha256),
            evidence=REDEEMED if redeemed.is_same_browser else Evidence.OTHER_ADDRESS,
            is_returning=redeemed.is_same_browser,
        )


def _redemptions(ids: Sequence[UUID]) -> dict[UUID, _Redeemed]:
    if not ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(SELECT_REDEEMED, [arrays.encode(ids)])
        return {id_: _Redeemed(*row) for id_, *row in cursor.fetchall()}


def _count(classified: Sequence[ClassifiedVisit]) -> None:
    more: Counter[CounterKey] = Counter()
    less: Counter[CounterKey] = Counter()
    for each in classified:
        visit = each.visit
        if visit.time_zone is not None and each.verdict_changed:
            day = _day(visit)
            more[visit.link_id, day, each.classification.verdict] += visit.visit_count
            if visit.verdict:
                less[visit.link_id, day, visit.verdict] += visit.visit_count
    _store_counts(more, less)


def _store_counts(more: Counter[CounterKey], less: Counter[CounterKey]) -> None:
    with connection.cursor() as cursor:
        if less:
            cells = Counter({**more, **less})
            cursor.execute(LOCK_COUNTS, arrays.encode_params(_count_parameters(cells)))
        if more:
            cursor.execute(INCREMENT, arrays.encode_params(_count_parameters(more)))
        if less:
            cursor.execute(DECREMENT, arrays.encode_params(_count_parameters(less)))


def _count_parameters(counts: Counter[CounterKey]) -> dict[str, Any]:
    return {
        "links": [link_id for link_id, _, _ in counts],
        "days": [day for _, day, _ in counts],
        "verdicts": [verdict for _, _, verdict in counts],
        "visits": list(counts.values()),
    }


def _day(visit: StoredVisit) -> date:
    """Return the day in the account's time zone; once counted, it never changes."""
    if visit.counted_day is not None:
        return visit.counted_day
    return visit.occurred_at.astimezone(time_zones.get(visit.time_zone or "UTC")).date()
