"""A backlog of visits, followed up with both hands: one judges while the other writes.

Each hand has a connection of its own, and the visits to its half of the links. One
alone leaves half of two cores idle, since Postgres works while Python waits.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from django.db import connection

from shortlinks.domain.visits import processing
from shortlinks.domain.visits.processing import ProcessingResult, Shard

ShouldContinue = Callable[[], bool]
OnBatch = Callable[[ProcessingResult], None]


def process_in_parallel(*, goes_on: ShouldContinue, on_done: OnBatch) -> None:
    """Until nothing is due, or it shall go on no more; tells of each batch.

    The other hand, which is another thread, helps when a whole batch was due.
    """
    if not _process_batch("all", on_done):
        return
    stop = threading.Event()

    def both_go_on() -> bool:
        return goes_on() and not stop.is_set()

    with ThreadPoolExecutor(1) as other_hand:
        odd = other_hand.submit(
            copy_context().run, _run_second_worker, both_go_on, on_done
        )
        try:
            _run_worker("even", both_go_on, on_done)
        except BaseException:
            stop.set()
            raise
        odd.result()


def _run_second_worker(goes_on: ShouldContinue, on_done: OnBatch) -> None:
    try:
        _run_worker("odd", goes_on, on_done)
    finally:
        connection.close()


def _run_worker(half: Shard, goes_on: ShouldContinue, on_done: OnBatch) -> None:
    while goes_on() and _process_batch(half, on_done):
        pass


def _process_batch(half: Shard, on_done: OnBatch) -> bool:
    """One batch; whether there may be more."""
    done = processing.process_due(half=half)
    on_done(done)
    return done.claimed == processing.BATCH_SIZE
