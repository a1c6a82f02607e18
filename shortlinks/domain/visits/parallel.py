"""Process all due work, with two threads if many visits are due.

Each thread has its own connection and the visits of half of the links. One thread alone
leaves a CPU idle, because Python waits while Postgres works.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from django.db import connection

from shortlinks.domain.merging import queue
from shortlinks.domain.visits import click_processing, processing
from shortlinks.domain.visits.processing import ProcessingResult
from shortlinks.domain.visits.visit_locks import Shard

MERGE_CHECKS = 100  # in a batch

ShouldContinue = Callable[[], bool]
OnBatch = Callable[[ProcessingResult], None]


def process_all_due(*, should_continue: ShouldContinue, on_batch: OnBatch) -> None:
    """Process due visits, then redeemed clicks, then the merge checks of both.

    Stop when nothing is due, or between batches if `should_continue` returns False.
    """
    process_in_parallel(should_continue=should_continue, on_batch=on_batch)
    on_batch(click_processing.process_due())
    while should_continue() and queue.process_due(MERGE_CHECKS) == MERGE_CHECKS:
        pass


def process_in_parallel(*, should_continue: ShouldContinue, on_batch: OnBatch) -> None:
    """Process due visits; start the second thread if the first batch was full."""
    if not _process_batch("all", on_batch):
        return
    stop = threading.Event()

    def keep_going() -> bool:
        return should_continue() and not stop.is_set()

    with ThreadPoolExecutor(1) as second_worker:
        future = second_worker.submit(
            copy_context().run, _run_second_worker, keep_going, on_batch
        )
        try:
            _run_worker("even", keep_going, on_batch)
        except BaseException:
            stop.set()
            raise
        future.result()


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
    """Process one batch; return whether more may be due."""
    done = processing.process_due(shard=shard)
    on_batch(done)
    return done.has_more
