"""Proof that every answered request is stored on disk."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.db import connection

from shortlinks.models import Visit
from systemtests import InvalidRun
from systemtests.polling import wait_for

SETTINGS = ("fsync", "synchronous_commit", "full_page_writes")
PAUSE_SECONDS = 0.2


@dataclass
class Ledger:
    """Requests of a load: the answered ones, and those cut at the end of a run."""

    answered: int = 0
    max_cut: int = 0  # one for each connection of a run

    def add(self, answered: float, *, connections: int) -> None:
        self.answered += int(answered)
        self.max_cut += connections

    def verify(self, stored: float) -> Mapping[str, float]:
        """Raise InvalidRun unless answered ≤ stored ≤ answered + cut."""
        expect_fsync()
        if not self.answered <= stored <= self.answered + self.max_cut:
            raise InvalidRun(
                f"{self.answered} requests were answered, at most {self.max_cut} cut,"
                f" and {stored} rows stored"
            )
        return {"answered": self.answered, "stored": stored}

    def verify_visits(self) -> Mapping[str, float]:
        wait_for(_unchanged(Visit.objects.count), "no more visits are stored")
        return self.verify(Visit.objects.count())


def expect_fsync() -> None:
    """Raise InvalidRun unless Postgres waits for the disk at every commit."""
    with connection.cursor() as cursor:
        for name in SETTINGS:
            cursor.execute("SELECT current_setting(%s)", [name])
            if cursor.fetchone() != ("on",):
                raise InvalidRun(f"{name} is off: nothing would be durable")


def _unchanged(count: Callable[[], int]) -> Callable[[], bool]:
    def check() -> bool:
        before = count()
        time.sleep(PAUSE_SECONDS)
        return count() == before

    return check
