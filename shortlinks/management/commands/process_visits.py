"""Follow visits up with no broker at all: the same work that the worker does."""

import threading
import time

from shortlinks.domain.merging import queue
from shortlinks.domain.reports import rollups
from shortlinks.domain.visits import click_processing, parallel
from shortlinks.management.polling import PollingCommand

SUM_SECONDS = 1.0


class Command(PollingCommand):
    help = (
        "Follows up the visits that are due: notes, pixels, counters. With --loop it"
        " goes on until it is told to stop, and so replaces a worker while there is no"
        " broker; it may run beside workers."
    )

    def run_once(self, stop: threading.Event) -> None:
        claimed: list[int] = []
        parallel.process_in_parallel(
            should_continue=lambda: not stop.is_set(),
            on_batch=lambda done: claimed.append(done.claimed),
        )
        click_processing.process_due()
        while not stop.is_set() and queue.process_due() == queue.BATCH_SIZE:
            pass
        rollups.update(time.monotonic() + SUM_SECONDS)
        if followed_up := sum(claimed):
            self.stdout.write(f"visits followed up: {followed_up}")
