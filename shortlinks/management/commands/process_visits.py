"""Process visits without a broker, as the worker does."""

import threading
import time

from shortlinks.domain.reports import rollups
from shortlinks.domain.visits import parallel
from shortlinks.management.polling import PollingCommand

ROLLUP_SECONDS = 1.0


class Command(PollingCommand):
    help = (
        "Process due visits: notes, pixels, counters. With --loop, continue until"
        " stopped, as a worker does; this works without a broker and beside workers."
    )

    def run_once(self, stop: threading.Event) -> None:
        claimed: list[int] = []
        parallel.process_all_due(
            should_continue=lambda: not stop.is_set(),
            on_batch=lambda batch: claimed.append(batch.claimed),
        )
        rollups.update(time.monotonic() + ROLLUP_SECONDS)
        if processed := sum(claimed):
            self.stdout.write(f"visits processed: {processed}")
