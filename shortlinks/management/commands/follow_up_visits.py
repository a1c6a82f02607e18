"""Follow visits up with no broker at all: the same work that the worker does."""

import threading

from shortlinks.domain import redemptions, visits
from shortlinks.domain.merging import checks
from shortlinks.management.looping import LoopingCommand


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
        if followed_up:
            self.stdout.write(f"visits followed up: {followed_up}")
