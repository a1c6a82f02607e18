"""Classify new and past visits by the same function.

A verdict depends on the visit's facts (`bot_detection`), on other visits of its visitor
hash at that time (`burst_detection`), and on the account's policy for suspects. All of
these are stored in rows. The same rows give the same verdicts, in any order.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import NamedTuple
from uuid import UUID

from django.conf import settings

from shortlinks.domain import known_networks
from shortlinks.domain.burst_windows import BURST
from shortlinks.domain.visits import bot_detection, burst_detection, stored_visits
from shortlinks.domain.visits.bot_detection import Classification, RequestFacts
from shortlinks.domain.visits.burst_detection import Hit
from shortlinks.domain.visits.stored_visits import (
    MAX_VISITS_PER_SOURCE,
    StoredVisit,
    TimeRange,
)
from shortlinks.models import SuspectPolicy, Verdict

CONTEXT_WINDOW = burst_detection.CONTEXT_WINDOW

IN_A_BURST = Classification(Verdict.SUSPECT, "part of a burst")
GESTURE_SEEN = "gesture on the site"
COUNTED_BY_POLICY = "counted by policy"
RETURNED_AS_PERSON = "returned as a person"
KNOWN_BROWSER = "known browser"


@dataclass(frozen=True, slots=True)
class ClassifiedVisit:
    visit: StoredVisit
    classification: Classification

    @property
    def id(self) -> UUID:
        return self.visit.id

    @property
    def verdict_changed(self) -> bool:
        return self.classification.verdict != self.visit.verdict

    @property
    def reason_changed(self) -> bool:
        """Return whether only the reason changed, and the verdict did not."""
        return (
            not self.verdict_changed and self.classification.reason != self.visit.reason
        )


def classify_new(ids: Sequence[UUID]) -> list[ClassifiedVisit]:
    """Classify new visits, plus earlier visits whose verdicts they change."""
    new = stored_visits.load(ids)
    context = _load_context(new)
    new_ids = set(ids)
    return [
        context.apply_truncation(classified) if classified.id in new_ids else classified
        for classified in _classify([*new, *context.visits])
        if classified.id in new_ids or context.should_update(classified)
    ]


def reclassify(ids: Sequence[UUID]) -> list[ClassifiedVisit]:
    """Classify processed visits by the current rules."""
    visits = stored_visits.load(ids)
    context = _load_context(visits)
    requested = set(ids)
    others = [visit for visit in context.visits if visit.id not in requested]
    return [
        classified
        for classified in _classify([*visits, *others])
        if classified.id in requested and not context.is_incomplete_for(classified)
    ]


class TruncatedRange(NamedTuple):
    since: datetime
    until: datetime
    first_loaded: datetime


@dataclass(frozen=True, slots=True)
class SourceContext:
    """Other classified visits of the same visitor hashes within the context window.

    `spans` are the times of the visits themselves. `truncated` has the times for which
    a visitor hash had too many visits to load, with the first that was loaded.
    """

    visits: Sequence[StoredVisit]
    spans: Mapping[bytes, Sequence[TimeRange]]
    truncated: Mapping[bytes, Sequence[TruncatedRange]]

    def should_update(self, classified: ClassifiedVisit) -> bool:
        """Return whether a changed verdict is reliable: its own context was loaded."""
        visit = classified.visit
        is_near = any(
            since - CONTEXT_WINDOW <= visit.occurred_at <= until + CONTEXT_WINDOW
            for since, until in self.spans[visit.visitor_hash]
        )
        return (
            is_near
            and classified.verdict_changed
            and not self.is_incomplete_for(classified)
        )

    def apply_truncation(self, classified: ClassifiedVisit) -> ClassifiedVisit:
        """Treat a person as a suspect if its earlier visits were not loaded."""
        visit = classified.visit
        truncated = self._truncated_range(visit)
        is_person = classified.classification in bot_detection.PERSONS
        needed_since = visit.occurred_at - BURST
        if is_person and truncated and needed_since < truncated.first_loaded:
            return ClassifiedVisit(visit, IN_A_BURST)
        return classified

    def is_incomplete_for(self, classified: ClassifiedVisit) -> bool:
        """Return whether visits that were not loaded could change the verdict."""
        is_suspected = classified.classification.verdict == Verdict.SUSPECT
        return not is_suspected and bool(self._truncated_range(classified.visit))

    def _truncated_range(self, visit: StoredVisit) -> TruncatedRange | None:
        for each in self.truncated.get(visit.visitor_hash, ()):
            if each.since <= visit.occurred_at <= each.until:
                return each
        return None


def _load_context(visits: Iterable[StoredVisit]) -> SourceContext:
    times: defaultdict[bytes, list[datetime]] = defaultdict(list)
    for visit in visits:
        times[visit.visitor_hash].append(visit.occurred_at)
    if not times:
        return SourceContext([], {}, {})
    spans = {visitor_hash: _spans(each) for visitor_hash, each in times.items()}
    margin = 2 * CONTEXT_WINDOW
    ranges = [
        (visitor_hash, (since - margin, until + margin))
        for visitor_hash, of_visitor in spans.items()
        for since, until in of_visitor
    ]
    found = stored_visits.load_classified(ranges)
    return SourceContext(found, spans, _truncated(found, ranges))


def _truncated(
    visits: Sequence[StoredVisit], ranges: Sequence[tuple[bytes, TimeRange]]
) -> dict[bytes, list[TruncatedRange]]:
    loaded = _by_source(visits)
    truncated: defaultdict[bytes, list[TruncatedRange]] = defaultdict(list)
    for source, (since, until) in ranges:
        of_source = loaded.get(source, ())
        if len(of_source) < MAX_VISITS_PER_SOURCE:
            continue
        of_range = [visit for visit in of_source if since <= visit.occurred_at <= until]
        contacts = {visit.contact_id for visit in of_range}
        is_full = len(of_range) >= MAX_VISITS_PER_SOURCE
        if is_full and len(contacts) >= burst_detection.MIN_CONTACTS:
            first = min(visit.occurred_at for visit in of_range)
            truncated[source].append(TruncatedRange(since, until, first))
    return truncated


def _spans(times: Sequence[datetime]) -> list[TimeRange]:
    """Group times into ranges, separated where the context windows do not meet."""
    first, *rest = sorted(times)
    spans = [(first, first)]
    for time in rest:
        since, until = spans[-1]
        if time - until <= 4 * CONTEXT_WINDOW:
            spans[-1] = (since, time)
        else:
            spans.append((time, time))
    return spans


def _classify(visits: Iterable[StoredVisit]) -> list[ClassifiedVisit]:
    return [
        ClassifiedVisit(visit, result)
        for each in _by_source(visits).values()
        for visit, result in zip(each, _classify_source(each), strict=True)
    ]


def _by_source(visits: Iterable[StoredVisit]) -> dict[bytes, list[StoredVisit]]:
    found: defaultdict[bytes, list[StoredVisit]] = defaultdict(list)
    for visit in visits:
        found[visit.visitor_hash].append(visit)
    return found


def _classify_source(visits: Sequence[StoredVisit]) -> list[Classification]:
    results = [bot_detection.classify(_request_facts(visit)) for visit in visits]
    if len(visits) == 1 and results[0].verdict is not Verdict.SUSPECT:
        return [_apply_policy(visits[0], results[0], has_returned=False)]
    hits = [_hit(visit) for visit in visits]
    results = _in_context(visits, hits, results)
    persons = [h for h, r in zip(hits, results, strict=True) if _is_person(r)]
    return [
        _apply_policy(visit, result, has_returned=_has_returned(hit, result, persons))
        for visit, result, hit in zip(visits, results, hits, strict=True)
    ]


def _in_context(
    visits: Sequence[StoredVisit],
    hits: Sequence[Hit],
    results: Sequence[Classification],
) -> list[Classification]:
    """Treat bursts as suspects, and known browsers in data centers as persons."""
    in_bursts = burst_detection.find_bursts(hits)
    known = _known_browsers(visits, hits, results)
    return [
        IN_A_BURST
        if visit.id in in_bursts and _is_person(result)
        else _as_person(result, KNOWN_BROWSER)
        if visit.id in known
        else result
        for visit, result in zip(visits, results, strict=True)
    ]


def _known_browsers(
    visits: Sequence[StoredVisit],
    hits: Sequence[Hit],
    results: Sequence[Classification],
) -> set[UUID]:
    """Return the visits from data centers by browsers that people used before."""
    from_data_centers = {
        visit.id
        for visit, result in zip(visits, results, strict=True)
        if bot_detection.is_data_center(result)
        and visit.is_known_browser
        and _policy(visit) != SuspectPolicy.IGNORE
    }
    if not from_data_centers:
        return set()
    return burst_detection.find_known_browsers(hits) & from_data_centers


def _policy(visit: StoredVisit) -> str:
    return visit.suspect_policy or settings.SUSPECT_POLICY


def _is_person(result: Classification) -> bool:
    return result.verdict is Verdict.PERSON


def _has_returned(hit: Hit, result: Classification, persons: Sequence[Hit]) -> bool:
    """Return whether the suspect opens the link like a person soon after.

    A request from within a page stays a suspect, because the person did not make it.
    """
    is_suspect = result.verdict is Verdict.SUSPECT
    return (
        is_suspect
        and not bot_detection.is_part_of_page(result)
        and burst_detection.returns_as_person(hit, persons)
    )


def _apply_policy(
    visit: StoredVisit, result: Classification, *, has_returned: bool
) -> Classification:
    """Keep an administrator's verdict, else apply the account's policy for suspects.

    Mixed visits stay suspects: nobody knows how many of them are a person's.
    """
    if visit.is_overridden:
        return Classification(Verdict(visit.verdict), visit.reason)
    if result.verdict != Verdict.SUSPECT or result is bot_detection.MIXED_VISITS:
        return result
    policy = _policy(visit)
    if visit.has_gesture and policy != SuspectPolicy.IGNORE:
        return Classification(Verdict.PERSON, GESTURE_SEEN)
    if policy == SuspectPolicy.NOTE:
        return _as_person(result, COUNTED_BY_POLICY)
    if policy == SuspectPolicy.HOLD and has_returned:
        return _as_person(result, RETURNED_AS_PERSON)
    return result


def _as_person(suspect: Classification, reason: str) -> Classification:
    return Classification(Verdict.PERSON, f"{suspect.reason}; {reason}")


def _request_facts(visit: StoredVisit) -> RequestFacts:
    return RequestFacts(
        method=visit.method,
        user_agent=visit.user_agent,
        purpose=visit.purpose,
        staff=visit.staff,
        network=_network_owner(visit),
        referer=visit.referer,
        is_https=_is_https(),
        sec_fetch=visit.sec_fetch,
        accept_language=visit.accept_language,
        accepts_html=visit.accepts_html,
        is_mixed=visit.is_mixed,
    )


def _hit(visit: StoredVisit) -> Hit:
    return Hit(
        visit.id,
        visit.occurred_at,
        visit.link_id,
        visit.contact_id,
        visit.batch,
        visit.is_sender_test,
        visit.previous_pixel,
    )


def _network_owner(visit: StoredVisit) -> known_networks.Owner | None:
    match = known_networks.find(visit.address, visit.address_mask)
    return match.owner if match else None


@cache
def _is_https() -> bool:
    return bool(settings.SHORT_BASE_URL.startswith("https:"))
