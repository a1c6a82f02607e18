"""Bound the visits that one address can store for one link (docs/adr/0051).

Further visits are counted. Every few seconds, one visit is stored for all of them that
have the same verdict (docs/adr/0062).
"""

import time
from collections import Counter
from collections.abc import Hashable

from uuid_utils import uuid7

from shortlinks.domain.ip_addresses import customer_network
from shortlinks.domain.visits import mail_gateways
from shortlinks.domain.visits.visit_records import VisitRecord

WINDOW_SECONDS = 600
# About 100 bytes each.
MAX_COUNTED_KEYS = 50_000
# Records of counted visits: in all, of a link, and of a link and an address.
MAX_GROUPS = 20_000
MAX_GROUPS_PER_LINK = 40
MAX_GROUPS_PER_ADDRESS = 8
MIXED = "mixed"


class VisitBudget:
    """Counts the visits of each link and address in windows of ten minutes.

    A limit of 0 means no limit. Each process counts alone.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._counts: dict[int, int] = {}
        self._ends_at = 0.0

    def spend(self, link_id: int, address: bytes) -> bool:
        """Count a visit, and return whether it is within the budget."""
        if not self._limit:
            return True
        now = time.monotonic()
        if now >= self._ends_at:
            self._counts.clear()
            self._ends_at = now + WINDOW_SECONDS
        key = hash(
            (link_id, customer_network(address))
        )  # a third of the tuple's memory
        count = self._counts.get(key, 0)
        if count >= self._limit:
            return False
        if not count and len(self._counts) >= MAX_COUNTED_KEYS:
            self._make_room()
        self._counts[key] = count + 1
        return True

    def _make_room(self) -> None:
        """Keep the busiest keys, so that many addresses do not reset their budgets."""
        busy = {k: n for k, n in self._counts.items() if n > self._limit // 2}
        self._counts = busy if len(busy) < MAX_COUNTED_KEYS // 2 else {}


class CountedVisits:
    """Visits beyond a budget, as one record for all that have the same verdict.

    A record has the facts of its first visit, but no new cookie. Beyond a number of
    records, visits of a link are mixed: their record has no facts of a visitor, and is
    a suspect (docs/adr/0062).
    """

    def __init__(self) -> None:
        self._records: dict[Hashable, VisitRecord] = {}
        self._sizes: Counter[Hashable] = Counter()  # by link, and by link and network

    def add(self, visit: VisitRecord, address: bytes) -> bool:
        """Count the visit; return False if too many records wait to be stored."""
        link_id = visit.link_id
        source = (link_id, customer_network(address))
        kind = (link_id, visit.method, bool(visit.purpose), visit.staff)
        key: Hashable = (kind, source, _facts(visit))
        record = self._records.get(key)
        if record is None and self._is_full(source):
            key = (kind, MIXED)
            record = self._records.get(key) or _without_visitor(visit)
        elif record is None:
            self._sizes.update((source, link_id))
            record = _first_of(visit)
        if not record.visit_count and len(self._records) >= MAX_GROUPS:
            return False
        self._records[key] = record._replace(
            visit_count=record.visit_count + visit.visit_count
        )
        return True

    def take(self) -> list[VisitRecord]:
        """Return the records that wait, and forget them."""
        taken = list(self._records.values())
        self._records.clear()
        self._sizes.clear()
        return taken

    def _is_full(self, source: tuple[int, bytes]) -> bool:
        """Return whether the link or the address has the maximum of records."""
        return (
            self._sizes[source] >= MAX_GROUPS_PER_ADDRESS
            or self._sizes[source[0]] >= MAX_GROUPS_PER_LINK
        )


def _facts(visit: VisitRecord) -> Hashable:
    """Return the facts on which a verdict depends, besides the kind of the request.

    The visitor hash stands for the address and the user agent.
    """
    return (
        visit.visitor_hash,
        visit.sec_fetch,
        bool(visit.accept_language),
        visit.accepts_html,
        mail_gateways.is_page(visit.referer),
        "" if visit.pixel_is_new else visit.pixel_sha256,
    )


def _first_of(visit: VisitRecord) -> VisitRecord:
    """Return an empty record with the facts of its first visit.

    The id is new, since the visit may be stored, or sent again, under its own id.
    A new cookie is left out, since each visit without a cookie got another one.
    """
    record = visit._replace(id=str(uuid7()), visit_count=0)
    if not visit.pixel_is_new:
        return record
    return record._replace(pixel_sha256="", pixel_is_new=False)


def _without_visitor(visit: VisitRecord) -> VisitRecord:
    """Return an empty record without facts of a visitor.

    Its visitor hash is unique, so that no later visit can turn it into an open.
    """
    id_ = uuid7()
    return visit._replace(
        id=str(id_),
        user_agent="",
        accept_language="",
        referer="",
        sec_fetch="",
        accepts_html=True,
        address="",
        visitor_hash=id_.hex,
        pixel_sha256="",
        pixel_is_new=False,
        visit_count=0,
        is_mixed=True,
    )
