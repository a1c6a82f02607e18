"""Find bursts: several opens of one visitor hash within seconds, as scanners make them.

The same visits give the same result in any order.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from shortlinks.domain.burst_windows import BURST, SENDER_TEST_WINDOW

Key = TypeVar("Key")

# Within BURST: different links of one mailing, or links of different contacts.
MIN_BATCH_LINKS = 3
MIN_CONTACTS = 5
MAX_SENDER_TEST_LINKS = 10  # different links within SENDER_TEST_WINDOW
# A suspect may still be confirmed as a person in this time.
HOLD_WINDOW = timedelta(seconds=60)
# Visits further away do not affect a verdict. It may depend on a later open by a
# person, and that open's verdict on its own burst and sender test.
CONTEXT_WINDOW = HOLD_WINDOW + BURST + SENDER_TEST_WINDOW


@dataclass(frozen=True, slots=True)
class Hit:
    """The facts of a visit that matter for bursts.

    `pixel` is a cookie that the browser had before, None for a new one.
    """

    id: UUID
    occurred_at: datetime
    link_id: int
    contact_id: int | None
    batch: UUID | None
    is_sender_test: bool
    pixel: bytes | None = None


def find_bursts(hits: Sequence[Hit]) -> set[UUID]:
    """Return the hits of one visitor hash that belong to a burst.

    People with the same phone model behind one address share a visitor hash. A browser
    with an older cookie that opens one link is a separate person.
    """
    ordered = _in_order(hits)
    links_of = _links_by_pixel(ordered)
    counted = [h for h in ordered if h.pixel is None or len(links_of[h.pixel]) > 1]
    tests = [hit for hit in counted if hit.is_sender_test]
    too_many = _in_windows(tests, _exceeds_sender_test, SENDER_TEST_WINDOW)
    relevant = [hit for hit in counted if not hit.is_sender_test or hit.id in too_many]
    return _in_windows(relevant, _is_burst, BURST)


def find_known_browsers(hits: Sequence[Hit]) -> set[UUID]:
    """Return the hits with an older cookie that is known from one link only.

    A hit within seconds of another one by this visitor is a program's repetition, and
    a cookie that opens several links may be a program's, too.
    """
    ordered = _in_order(hits)
    links_of = _links_by_pixel(ordered)
    return {
        hit.id
        for previous, hit in zip([None, *ordered], ordered, strict=False)
        if hit.pixel is not None
        and len(links_of[hit.pixel]) == 1
        and (previous is None or hit.occurred_at - previous.occurred_at > BURST)
    }


def _in_order(hits: Sequence[Hit]) -> list[Hit]:
    return sorted(hits, key=lambda hit: (hit.occurred_at, hit.id))


def _links_by_pixel(hits: Iterable[Hit]) -> dict[bytes, set[int]]:
    found: defaultdict[bytes, set[int]] = defaultdict(set)
    for hit in hits:
        if hit.pixel is not None:
            found[hit.pixel].add(hit.link_id)
    return found


def returns_as_person(hit: Hit, persons: Iterable[Hit]) -> bool:
    """Return whether a person with this visitor hash soon opens the same link."""
    return any(
        person.link_id == hit.link_id
        and timedelta() < person.occurred_at - hit.occurred_at <= HOLD_WINDOW
        for person in persons
    )


class _Window:
    """Counts of the hits in a sliding window; hits enter and leave in order."""

    def __init__(self) -> None:
        self.links: Counter[int] = Counter()
        self.contacts: Counter[int | None] = Counter()
        self.full_batches = 0
        self._batches: defaultdict[UUID, Counter[int]] = defaultdict(Counter)

    def enter(self, hit: Hit) -> None:
        self.links[hit.link_id] += 1
        self.contacts[hit.contact_id] += 1
        if hit.batch is not None:
            self._count(self._batches[hit.batch], hit.link_id, 1)

    def leave(self, hit: Hit) -> None:
        _take_one(self.links, hit.link_id)
        _take_one(self.contacts, hit.contact_id)
        if hit.batch is not None:
            self._count(self._batches[hit.batch], hit.link_id, -1)

    def _count(self, batch: Counter[int], link_id: int, difference: int) -> None:
        was_full = len(batch) >= MIN_BATCH_LINKS
        batch[link_id] += difference
        if not batch[link_id]:
            del batch[link_id]
        self.full_batches += (len(batch) >= MIN_BATCH_LINKS) - was_full


def _in_windows(
    ordered: Sequence[Hit], rule: Callable[[_Window], bool], length: timedelta
) -> set[UUID]:
    """Return the hits of all windows of this length that match the rule."""
    window = _Window()
    in_windows: set[UUID] = set()
    start = taken = 0
    for end, hit in enumerate(ordered, start=1):
        window.enter(hit)
        while hit.occurred_at - ordered[start].occurred_at > length:
            window.leave(ordered[start])
            start += 1
        if rule(window):
            taken = max(taken, start)
            in_windows.update(each.id for each in ordered[taken:end])
            taken = end
    return in_windows


def _is_burst(window: _Window) -> bool:
    """Match one mailing or several contacts; a deleted link has no contact."""
    contacts = len(window.contacts) - (None in window.contacts)
    return window.full_batches > 0 or contacts >= MIN_CONTACTS


def _exceeds_sender_test(window: _Window) -> bool:
    return len(window.links) > MAX_SENDER_TEST_LINKS


def _take_one(counter: Counter[Key], key: Key) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
