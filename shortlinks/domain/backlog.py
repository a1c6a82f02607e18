"""A backlog of visits, followed up with both hands: one judges while the other writes.

Each hand has a connection of its own, and the visits to its half of the links. One
alone leaves half of two cores idle, since Postgres works while Python waits.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from django.db import connection

from shortlinks.domain import visits
from shortlinks.domain.visits import FollowedUp, Half

GoesOn = Callable[[], bool]
OnDone = Callable[[FollowedUp], None]


def follow_up(*, goes_on: GoesOn, on_done: OnDone) -> None:
    """Until nothing is due, or it shall go on no more; tells of each batch.

    The other hand, which is another thread, helps when a whole batch was due.
    """
    if not _follow_up("all", on_done):
        return
    stop = threading.Event()

    def both_go_on() -> bool:
        return goes_on() and not stop.is_set()

    with ThreadPoolExecutor(1) as other_hand:
        odd = other_hand.submit(copy_context().run, _lend, both_go_on, on_done)
        try:
            _work("even", both_go_on, on_done)
        except BaseException:
            stop.set()
            raise
        odd.result()


def _lend(goes_on: GoesOn, on_done: OnDone) -> None:
    try:
        _work("odd", goes_on, on_done)
    finally:
        connection.close()


def _work(half: Half, goes_on: GoesOn, on_done: OnDone) -> None:
    while goes_on() and _follow_up(half, on_done):
        pass


def _follow_up(half: Half, on_done: OnDone) -> bool:
    """One batch; whether there may be more."""
    done = visits.follow_up(half=half)
    on_done(done)
    return done.claimed == visits.BATCH
