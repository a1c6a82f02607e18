"""What several visits of one source show: scanners that go through whole mailings.

A source is one browser at one address (DESIGN 4). Pure: the same visits give the same
answer in whatever order they came.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

Key = TypeVar("Key")

# Nobody opens so many different links within so short a time by hand.
BURST = timedelta(seconds=5)
MIN_BATCH_LINKS = 3
MIN_CONTACTS = 5
# Whoever has just ordered links may try some, as fast as a script does.
SENDER_TEST_PERIOD = timedelta(minutes=10)
MAX_SENDER_TEST_LINKS = 10  # different links within A_WHILE
SENDER_TEST_WINDOW = timedelta(seconds=60)
# How long a suspect may show itself to be a person (visits §2.3).
HOLD_WINDOW = timedelta(seconds=60)
# What decides on a visit lies no further away: a later sign, what that was part of, and
# whether the links were tried.
CONTEXT_WINDOW = HOLD_WINDOW + BURST + SENDER_TEST_WINDOW


@dataclass(frozen=True, slots=True)
class Hit:
    """A visit as one among its source's; `is_try`: by whoever just made the link.

    `pixel` is a cookie that the browser had kept, None for a new one.
    """

    id: UUID
    occurred_at: datetime
    link_id: int
    contact_id: int | None
    batch: UUID | None
    is_sender_test: bool
    pixel: bytes | None = None


def find_bursts(hits: Sequence[Hit]) -> set[UUID]:
    """Those of one source's hits that are part of a burst.

    People with the same phone behind one address look like one source; who kept a
    cookie of an earlier day, and opens one link with it, is somebody of his own.
    """
    ordered = sorted(hits, key=lambda hit: (hit.occurred_at, hit.id))
    links_of: defaultdict[bytes, set[int]] = defaultdict(set)
    for hit in ordered:
        if hit.pixel is not None:
            links_of[hit.pixel].add(hit.link_id)
    counted = [h for h in ordered if h.pixel is None or len(links_of[h.pixel]) > 1]
    tries = [hit for hit in counted if hit.is_sender_test]
    too_many = _in_windows(tries, _exceeds_sender_test, SENDER_TEST_WINDOW)
    seen = [hit for hit in counted if not hit.is_sender_test or hit.id in too_many]
    return _in_windows(seen, _is_burst, BURST)


def returns_as_person(hit: Hit, persons: Iterable[Hit]) -> bool:
    """Whether its source soon opens the same link again, then as a person."""
    return any(
        person.link_id == hit.link_id
        and timedelta() < person.occurred_at - hit.occurred_at <= HOLD_WINDOW
        for person in persons
    )


class _Window:
    """What is opened within the time of a burst; hits come and go in their order."""

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
    """The hits of all windows of this length to which the rule applies."""
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
    """A link that is gone is of no contact."""
    contacts = len(window.contacts) - (None in window.contacts)
    return window.full_batches > 0 or contacts >= MIN_CONTACTS


def _exceeds_sender_test(window: _Window) -> bool:
    return len(window.links) > MAX_SENDER_TEST_LINKS


def _take_one(counter: Counter[Key], key: Key) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
