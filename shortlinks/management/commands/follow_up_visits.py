"""Follow visits up with no broker at all: the same work that the worker does."""

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error, connection

from shortlinks.domain import redemptions, visits

SECONDS_BETWEEN_LOOKS = 1.0
SECONDS_AFTER_FAILURE = 5.0


class Command(BaseCommand):
    help = (
        "Follows up the visits that are due: notes, pixels, counters. With --loop it"
        " goes on until it is told to stop, and so replaces a worker while there is no"
        " broker; it may run beside workers."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--loop", action="store_true", help="go on until SIGTERM or Ctrl-C"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        if not options["loop"]:
            self._follow_up(stop)
            return
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda *_: stop.set())
        self.stdout.write("following visits up until SIGTERM or Ctrl-C")
        while not stop.wait(self._try(stop)):
            pass

    def _try(self, stop: threading.Event) -> float:
        """How long to wait for the next look, in seconds."""
        try:
            self._follow_up(stop)
        except Error as error:
            self.stderr.write(f"Postgres is away: {type(error).__name__}")
            connection.close()
            return SECONDS_AFTER_FAILURE
        return SECONDS_BETWEEN_LOOKS

    def _follow_up(self, stop: threading.Event) -> None:
        """A batch that was begun is finished; none is begun after a signal."""
        claimed = visits.BATCH
        followed_up = 0
        while claimed == visits.BATCH and not stop.is_set():
            claimed = visits.follow_up().claimed
            followed_up += claimed
        redemptions.follow_up()
        if followed_up:
            self.stdout.write(f"visits followed up: {followed_up}")
