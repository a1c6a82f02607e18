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


def process_in_parallel(*, should_continue: ShouldContinue, on_batch: OnBatch) -> None:
    """Until nothing is due, or it shall go on no more; tells of each batch.

    The other hand, which is another thread, helps when a whole batch was due.
    """
    if not _process_batch("all", on_batch):
        return
    stop = threading.Event()

    def keep_going() -> bool:
        return should_continue() and not stop.is_set()

    with ThreadPoolExecutor(1) as second_worker:
        odd = second_worker.submit(
            copy_context().run, _run_second_worker, keep_going, on_batch
        )
        try:
            _run_worker("even", keep_going, on_batch)
        except BaseException:
            stop.set()
            raise
        odd.result()


def _run_second_worker(should_continue: ShouldContinue, on_batch: OnBatch) -> None:
    try:
        _run_worker("odd", should_continue, on_batch)
    finally:
        connection.close()


def _run_worker(
    shard: Shard, should_continue: ShouldContinue, on_batch: OnBatch
) -> None:
    while should_continue() and _process_batch(shard, on_batch):
        pass


def _process_batch(shard: Shard, on_batch: OnBatch) -> bool:
    """One batch; whether there may be more."""
    done = processing.process_due(shard=shard)
    on_batch(done)
    return done.claimed == processing.BATCH_SIZE
