"""From visits and those around them to verdicts: one function for today and the past.

What a visit is depends on its facts (`humans`), on what else its source did at that
time (`bursts`), and on the account's policy for suspects. All of it is read from rows,
so the same rows give the same verdicts however often and in whatever order.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext_noop

from shortlinks.domain import ip_addresses
from shortlinks.domain.postgres import arrays, queries
from shortlinks.domain.visits import bot_detection, burst_detection, visit_records
from shortlinks.domain.visits.bot_detection import PERSON, Classification, RequestFacts
from shortlinks.domain.visits.burst_detection import Hit
from shortlinks.models import AddressMask, SuspectPolicy, Verdict

CONTEXT_WINDOW = burst_detection.CONTEXT_WINDOW
# More of one source's visits than this are not looked at for one batch.
MAX_VISITS_PER_SOURCE = 300
# Networks as narrow as an address say nothing of addresses that were cut.
MASKED_PREFIX_LENGTHS = {32: 24, 128: 48}

IN_A_BURST = Classification(Verdict.SUSPECT, gettext_noop("one of a burst of links"))
GESTURE_SEEN = gettext_noop("a gesture on the site")
COUNTED_BY_POLICY = gettext_noop("noted by policy")
RETURNED_AS_PERSON = gettext_noop("then a person")

COLUMNS = """
SELECT visit.id, visit.link_id, visit.occurred_at, visit.method, visit.user_agent,
       visit.accept_language, visit.referer, visit.sec_fetch, visit.purpose,
       host(visit.address), visit.staff, visit.visitor_hash, visit.pixel_sha256,
       CASE WHEN visit.pixel_is_new THEN NULL ELSE visit.pixel_sha256 END,
       visit.verdict, visit.reason, visit.overridden_at IS NOT NULL, visit.counted_day,
       link.contact_id, link.account_id, link.batch,
       coalesce(visit.address = link.created_from
                AND visit.occurred_at < link.created_at + %(trying)s, false),
       account.note_window, account.time_zone, account.address_mask,
       account.suspect_policy, account.pixel_mode, contact.tracking_consent,
       redemption.gesture_at IS NOT NULL
"""
LINKS = """
LEFT JOIN shortlinks_shortlink AS link ON link.id = visit.link_id
LEFT JOIN shortlinks_account AS account ON account.id = link.account_id
LEFT JOIN shortlinks_contact AS contact ON contact.id = link.contact_id
LEFT JOIN shortlinks_redemption AS redemption ON redemption.visit_id = visit.id
"""
# The bounds let the planner leave out the partitions of other months.
SELECT = f"""{COLUMNS}
FROM shortlinks_visit AS visit {LINKS}
WHERE visit.id = ANY(%(ids)s::uuid[]) AND visit.id BETWEEN %(first)s AND %(last)s
"""
SELECT_CONTEXT = f"""{COLUMNS}
FROM unnest(%(sources)s::bytea[], %(since)s::timestamptz[], %(until)s::timestamptz[])
  AS s (visitor_hash, since, until)
CROSS JOIN LATERAL (
  SELECT * FROM shortlinks_visit AS v
  WHERE v.visitor_hash = s.visitor_hash AND v.occurred_at BETWEEN s.since AND s.until
    AND v.verdict <> '' AND v.id BETWEEN %(first)s AND %(last)s
  ORDER BY v.occurred_at DESC LIMIT %(most)s) AS visit {LINKS}
"""  # noqa: S608  put together from the constants above
# Judged visits of one source of which several belong together, or one is suspected.
SELECT_RELATED = """
SELECT around.ids
FROM (
  SELECT visitor_hash, min(occurred_at) AS since, max(occurred_at) AS until
  FROM shortlinks_visit
  WHERE id = ANY(%(ids)s::uuid[]) AND id BETWEEN %(first)s AND %(last)s
  GROUP BY visitor_hash) AS s
CROSS JOIN LATERAL (
  SELECT array_agg(v.id) AS ids, count(DISTINCT v.link_id) AS links,
         bool_or(v.verdict = %(suspect)s) AS is_suspected
  FROM (
    SELECT id, link_id, verdict FROM shortlinks_visit
    WHERE visitor_hash = s.visitor_hash AND verdict <> ''
      AND occurred_at BETWEEN s.since - %(reach)s AND s.until + %(reach)s
      AND id BETWEEN %(first)s AND %(last)s
    ORDER BY occurred_at DESC LIMIT %(most)s) AS v) AS around
WHERE around.links >= %(links)s OR around.is_suspected AND cardinality(around.ids) > 1
"""

TimeRange = tuple[datetime, datetime]


class StoredVisit(NamedTuple):
    """A visit's row, with what its link and account say; none if they are gone."""

    id: UUID
    link_id: int
    occurred_at: datetime
    method: str
    user_agent: str
    accept_language: str
    referer: str
    sec_fetch: str
    purpose: str
    address: str | None
    staff: str
    visitor_hash: bytes
    pixel_sha256: bytes | None
    previous_pixel: bytes | None
    verdict: str
    reason: str
    is_overridden: bool
    counted_day: date | None
    contact_id: int | None
    account_id: int | None
    batch: UUID | None
    is_sender_test: bool
    note_window: int | None
    time_zone: str | None
    address_mask: str | None
    suspect_policy: str | None
    pixel_mode: str | None
    tracking_consent: str | None
    has_gesture: bool


@dataclass(frozen=True, slots=True)
class ClassifiedVisit:
    visit: StoredVisit
    classification: Classification

    @property
    def verdict_changed(self) -> bool:
        return self.classification.verdict != self.visit.verdict

    @property
    def reason_changed(self) -> bool:
        """The verdict stays, and there is another reason for it."""
        return (
            not self.verdict_changed and self.classification.reason != self.visit.reason
        )


def load(ids: Sequence[UUID]) -> list[StoredVisit]:
    """The rows of these visits."""
    return _select(SELECT, {"ids": list(ids), "first": min(ids), "last": max(ids)})


def classify_new(ids: Sequence[UUID]) -> list[ClassifiedVisit]:
    """What visits are that were not judged yet, and which others they show anew."""
    claimed = load(ids)
    around = _load_context(claimed)
    known = set(ids)
    return [
        around.apply_truncation(conclusion)
        if conclusion.visit.id in known
        else conclusion
        for conclusion in _classify([*claimed, *around.visits])
        if conclusion.visit.id in known or around.should_update(conclusion)
    ]


def reclassify(ids: Sequence[UUID]) -> list[ClassifiedVisit]:
    """What judged visits are by today's rules."""
    judged = load(ids)
    around = _load_context(judged)
    known = set(ids)
    others = [visit for visit in around.visits if visit.id not in known]
    return [
        conclusion
        for conclusion in _classify([*judged, *others])
        if conclusion.visit.id in known and not around.is_incomplete_for(conclusion)
    ]


def find_related(ids: Sequence[UUID]) -> list[UUID]:
    """Those judged visits around these that other visits may show anew."""
    if not ids:
        return []
    parameters: dict[str, Any] = {
        "ids": list(ids),
        **visit_records.id_bounds_around(ids),
        "reach": CONTEXT_WINDOW,
        "links": burst_detection.MIN_BATCH_LINKS,
        "suspect": Verdict.SUSPECT,
        "most": MAX_VISITS_PER_SOURCE,
    }
    with connection.cursor() as cursor:
        cursor.execute(SELECT_RELATED, arrays.encode_params(parameters))
        return [id_ for (of_source,) in cursor for id_ in of_source]


@dataclass(frozen=True, slots=True)
class SourceContext:
    """What the sources of some visits did around them, as far as it was judged.

    `spans` are the times of those visits; `crowded` the sources that opened more links
    of more people than is looked at, and from when on they are seen.
    """

    visits: Sequence[StoredVisit]
    spans: Mapping[bytes, Sequence[TimeRange]]
    truncated: Mapping[bytes, datetime]

    def should_update(self, conclusion: ClassifiedVisit) -> bool:
        """Not at the edge, where what else was done is not all seen."""
        visit = conclusion.visit
        is_near = any(
            since - CONTEXT_WINDOW <= visit.occurred_at <= until + CONTEXT_WINDOW
            for since, until in self.spans[visit.visitor_hash]
        )
        return (
            is_near
            and conclusion.verdict_changed
            and not self.is_incomplete_for(conclusion)
        )

    def apply_truncation(self, conclusion: ClassifiedVisit) -> ClassifiedVisit:
        """Who opens so much is no person where not all of it is seen."""
        visit = conclusion.visit
        since = self.truncated.get(visit.visitor_hash)
        is_person = conclusion.classification is PERSON
        if is_person and since and visit.occurred_at - burst_detection.BURST < since:
            return ClassifiedVisit(conclusion.visit, IN_A_BURST)
        return conclusion

    def is_incomplete_for(self, conclusion: ClassifiedVisit) -> bool:
        """What is not all seen proves nobody to be a person."""
        is_suspected = conclusion.classification.verdict == Verdict.SUSPECT
        return conclusion.visit.visitor_hash in self.truncated and not is_suspected


def _load_context(visits: Iterable[StoredVisit]) -> SourceContext:
    times: defaultdict[bytes, list[datetime]] = defaultdict(list)
    for visit in visits:
        times[visit.visitor_hash].append(visit.occurred_at)
    spans = {source: _spans(of_source) for source, of_source in times.items()}
    flat = [(source, *span) for source, each in spans.items() for span in each]
    if not flat:
        return SourceContext([], {}, {})
    since = [since - 2 * CONTEXT_WINDOW for _, since, _ in flat]
    until = [until + 2 * CONTEXT_WINDOW for _, _, until in flat]
    found = _select(
        SELECT_CONTEXT,
        {
            "sources": [source for source, _, _ in flat],
            "since": since,
            "until": until,
            "most": MAX_VISITS_PER_SOURCE,
            **visit_records.id_bounds(min(since), max(until)),
        },
    )
    return SourceContext(found, spans, _truncated(found))


def _truncated(visits: Sequence[StoredVisit]) -> dict[bytes, datetime]:
    counts = Counter(visit.visitor_hash for visit in visits)
    many = {source for source, n in counts.items() if n >= MAX_VISITS_PER_SOURCE}
    contacts: defaultdict[bytes, set[int | None]] = defaultdict(set)
    since: dict[bytes, datetime] = {}
    for visit in visits:
        if visit.visitor_hash in many:
            contacts[visit.visitor_hash].add(visit.contact_id)
            first = since.get(visit.visitor_hash, visit.occurred_at)
            since[visit.visitor_hash] = min(first, visit.occurred_at)
    return {
        source: first
        for source, first in since.items()
        if len(contacts[source]) >= burst_detection.MIN_CONTACTS
    }


def _spans(times: Sequence[datetime]) -> list[TimeRange]:
    """The times in as few spans as leave out what lies far from all of them."""
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
    by_source: defaultdict[bytes, list[StoredVisit]] = defaultdict(list)
    for visit in visits:
        by_source[visit.visitor_hash].append(visit)
    return [
        ClassifiedVisit(visit, judgement)
        for of_source in by_source.values()
        for visit, judgement in zip(of_source, _classify_source(of_source), strict=True)
    ]


def _classify_source(visits: Sequence[StoredVisit]) -> list[Classification]:
    judged = [bot_detection.classify(_request_facts(visit)) for visit in visits]
    if len(visits) == 1:
        return [_apply_policy(visits[0], judged[0], came_back=False)]
    hits = [_hit(visit) for visit in visits]
    in_bursts = burst_detection.find_bursts(hits)
    judged = [
        IN_A_BURST if judgement is PERSON and visit.id in in_bursts else judgement
        for visit, judgement in zip(visits, judged, strict=True)
    ]
    persons = [h for h, j in zip(hits, judged, strict=True) if j is PERSON]
    return [
        _apply_policy(
            visit, judgement, came_back=_returned_as_person(hit, judgement, persons)
        )
        for visit, judgement, hit in zip(visits, judged, hits, strict=True)
    ]


def _returned_as_person(
    hit: Hit, judgement: Classification, persons: Sequence[Hit]
) -> bool:
    return judgement.verdict == Verdict.SUSPECT and burst_detection.returns_as_person(
        hit, persons
    )


def _apply_policy(
    visit: StoredVisit, judgement: Classification, *, came_back: bool
) -> Classification:
    """An administrator's word, then what the account wants of suspects."""
    if visit.is_overridden:
        return Classification(Verdict(visit.verdict), visit.reason)
    if judgement.verdict != Verdict.SUSPECT:
        return judgement
    policy = visit.suspect_policy or settings.SUSPECT_POLICY
    if visit.has_gesture and policy != SuspectPolicy.IGNORE:
        return Classification(Verdict.PERSON, GESTURE_SEEN)
    if policy == SuspectPolicy.NOTE:
        return Classification(
            Verdict.PERSON, f"{judgement.reason}; {COUNTED_BY_POLICY}"
        )
    if policy == SuspectPolicy.HOLD and came_back:
        return Classification(
            Verdict.PERSON, f"{judgement.reason}; {RETURNED_AS_PERSON}"
        )
    return judgement


def _request_facts(visit: StoredVisit) -> RequestFacts:
    return RequestFacts(
        method=visit.method,
        user_agent=visit.user_agent,
        purpose=visit.purpose,
        staff=visit.staff,
        is_bot_network=_is_bot_network(visit.address, visit.address_mask),
        referer=visit.referer,
        is_https=_is_https(),
        sec_fetch=visit.sec_fetch,
        accept_language=visit.accept_language,
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


@cache
def _is_https() -> bool:
    return bool(settings.SHORT_BASE_URL.startswith("https:"))


@cache
def _bot_networks(mask: str | None) -> ip_addresses.Networks:
    return ip_addresses.Networks(
        network
        for network in settings.BOT_NETWORKS_PATH
        if mask == AddressMask.FULL
        or network.prefixlen <= MASKED_PREFIX_LENGTHS[network.max_prefixlen]
    )


@lru_cache(4096)
def _is_bot_network(address: str | None, mask: str | None) -> bool:
    if not address or not settings.BOT_NETWORKS_PATH:
        return False
    return _bot_networks(mask).contains(ip_addresses.packed(address))


def _select(query: str, parameters: dict[str, Any]) -> list[StoredVisit]:
    everywhere: dict[str, Any] = {"trying": burst_detection.SENDER_TEST_PERIOD}
    found = queries.fetch_bulk(query, arrays.encode_params(parameters | everywhere))
    return list(map(StoredVisit._make, found))
