"""Follow visits up with no broker at all: the same work that the worker does."""

import threading
import time

from shortlinks.domain import backlog, redemptions, sums
from shortlinks.domain.merging import checks
from shortlinks.management.looping import PollingCommand

SUM_SECONDS = 1.0


class Command(PollingCommand):
    help = (
        "Follows up the visits that are due: notes, pixels, counters. With --loop it"
        " goes on until it is told to stop, and so replaces a worker while there is no"
        " broker; it may run beside workers."
    )

    def run_once(self, stop: threading.Event) -> None:
        claimed: list[int] = []
        backlog.process_in_parallel(
            goes_on=lambda: not stop.is_set(),
            on_done=lambda done: claimed.append(done.claimed),
        )
        redemptions.process_due()
        while not stop.is_set() and checks.process_due() == checks.BATCH_SIZE:
            pass
        sums.update(time.monotonic() + SUM_SECONDS)
        if followed_up := sum(claimed):
            self.stdout.write(f"visits followed up: {followed_up}")
