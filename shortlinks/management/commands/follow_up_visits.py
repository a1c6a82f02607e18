"""Follow visits up with no broker at all: the same work that the worker does."""

import threading
import time

from shortlinks.domain import backlog, redemptions, sums
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
        claimed: list[int] = []
        backlog.follow_up(
            goes_on=lambda: not stop.is_set(),
            on_done=lambda done: claimed.append(done.claimed),
        )
        redemptions.follow_up()
        while not stop.is_set() and checks.look() == checks.AT_ONCE:
            pass
        sums.keep_up(time.monotonic() + SUM_SECONDS)
        if followed_up := sum(claimed):
            self.stdout.write(f"visits followed up: {followed_up}")
