"""Commands that do a worker's work while there is no broker."""

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error, connection

POLL_INTERVAL_SECONDS = 1.0
RETRY_DELAY_SECONDS = 5.0


class PollingCommand(BaseCommand):
    """Does what is due; with --loop it looks again and again."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--loop", action="store_true", help="go on until SIGTERM or Ctrl-C"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        if not options["loop"]:
            self.run_once(stop)
            return
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda *_: stop.set())
        self.stdout.write("at work until SIGTERM or Ctrl-C")
        while not stop.wait(self._try(stop)):
            pass

    def run_once(self, stop: threading.Event) -> None:
        """What was begun is finished; nothing is begun once `stop` is set."""
        raise NotImplementedError

    def _try(self, stop: threading.Event) -> float:
        """How long to wait for the next look, in seconds."""
        try:
            self.run_once(stop)
        except Error as error:
            self.stderr.write(f"Postgres is away: {type(error).__name__}")
            connection.close()
            return RETRY_DELAY_SECONDS
        return POLL_INTERVAL_SECONDS
