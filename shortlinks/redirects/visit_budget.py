"""Bound the visits that one address can store for one link (docs/adr/0051).

Further visits are counted. Every few seconds, one visit is stored for all of them.
"""

import time
from collections.abc import Hashable

from uuid_utils import uuid7

from shortlinks.domain.ip_addresses import customer_network
from shortlinks.domain.visits.visit_records import VisitRecord

WINDOW_SECONDS = 600
# About 100 bytes each.
MAX_COUNTED_KEYS = 50_000
MAX_GROUPS = 5_000


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
        """Keep the busiest keys, so that many addresses do not renew a budget."""
        busy = {k: n for k, n in self._counts.items() if n > self._limit // 2}
        self._counts = busy if len(busy) < MAX_COUNTED_KEYS // 2 else {}


class CountedVisits:
    """Visits beyond a budget, as one record for each link, address and kind.

    A record has the facts of its first visit. It has no cookie, since it may stand for
    several browsers.
    """

    def __init__(self) -> None:
        self._groups: dict[Hashable, VisitRecord] = {}

    def add(self, visit: VisitRecord, address: bytes = b"") -> bool:
        """Count the visit; return False if too many groups wait to be stored."""
        kind = (visit.method, bool(visit.purpose), visit.staff)
        key = (visit.link_id, customer_network(address), *kind)
        group = self._groups.get(key)
        if group is None:
            if len(self._groups) >= MAX_GROUPS:
                return False
            # The visit may be stored, or repeated, under its own id.
            group = visit._replace(
                id=str(uuid7()), pixel_sha256="", pixel_is_new=False, visit_count=0
            )
        self._groups[key] = group._replace(
            visit_count=group.visit_count + visit.visit_count
        )
        return True

    def take(self) -> list[VisitRecord]:
        """Return the records that wait, and forget them."""
        taken = list(self._groups.values())
        self._groups.clear()
        return taken
