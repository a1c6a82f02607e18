"""Follow visits up with no broker at all: the same work that the worker does."""

import threading
import time

from shortlinks.domain import redemptions, sums, visits
from shortlinks.domain.merging import checks
from shortlinks.management.looping import LoopingCommand

SUM_SECONDS = 1.0


class Command(LoopingCommand):
    help = (
        "Follows up the visits that are due: notes, pixels, counters. With --loop it"
        " goes on until it is told to stop, and so replaces a worker while there is no"
        " broker; it may run beside workers."
    )

    def do_what_is_due(self, stop: threading.Event) -> None:
        claimed = visits.BATCH
        followed_up = 0
        while claimed == visits.BATCH and not stop.is_set():
            claimed = visits.follow_up().claimed
            followed_up += claimed
        redemptions.follow_up()
        while not stop.is_set() and checks.look() == checks.AT_ONCE:
            pass
        sums.keep_up(time.monotonic() + SUM_SECONDS)
        if followed_up:
            self.stdout.write(f"visits followed up: {followed_up}")
