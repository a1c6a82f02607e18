"""Commands that do the work of a worker without a broker."""

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error, connection

POLL_INTERVAL_SECONDS = 1.0
RETRY_DELAY_SECONDS = 5.0


class PollingCommand(BaseCommand):
    """A command that does the due work, once or in a loop."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--loop", action="store_true", help="continue until SIGTERM or Ctrl-C"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        if not options["loop"]:
            self.run_once(stop)
            return
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda *_: stop.set())
        self.stdout.write("running until SIGTERM or Ctrl-C")
        while not stop.wait(self._try(stop)):
            pass

    def run_once(self, stop: threading.Event) -> None:
        """Do the due work; begin nothing more once `stop` is set."""
        raise NotImplementedError

    def _try(self, stop: threading.Event) -> float:
        """Run once; return the seconds to wait before the next run."""
        try:
            self.run_once(stop)
        except Error as error:
            self.stderr.write(f"Postgres is unavailable: {type(error).__name__}")
            connection.close()
            return RETRY_DELAY_SECONDS
        return POLL_INTERVAL_SECONDS
