"""Whether every answered visit is on disk: answered ⊆ stored, or the run is void."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection

from benchmarks.comparisons import Void
from shortlinks.models import Visit

SETTINGS = ("fsync", "synchronous_commit", "full_page_writes")
SETTLE_SECONDS = 10
POLL_SECONDS = 0.2


@dataclass
class Ledger:
    """What a load's visitors know: answers, and requests they did not wait for."""

    answered: int = 0
    cut: int = 0  # at most, one a connection at the end of each run

    def note(self, answered: int, *, connections: int) -> None:
        self.answered += answered
        self.cut += connections


def expect() -> None:
    """Postgres waits for the disk at every commit."""
    with connection.cursor() as cursor:
        for name in SETTINGS:
            cursor.execute("SELECT current_setting(%s)", [name])
            if cursor.fetchone() != ("on",):
                raise Void(f"{name} is off: nothing would be durable")


def verify(ledger: Ledger) -> Mapping[str, float]:
    """The counts, once what was cut is written too; Void unless they add up."""
    expect()
    stored = _settled_count()
    if not ledger.answered <= stored <= ledger.answered + ledger.cut:
        raise Void(
            f"{ledger.answered} redirects were answered and {stored} visits stored;"
            f" at most {ledger.cut} may be stored and not counted as answered"
        )
    return {"answered": ledger.answered, "stored": stored, "cut_at_most": ledger.cut}


def _settled_count() -> int:
    deadline = time.monotonic() + SETTLE_SECONDS
    count = -1
    while count != (count := Visit.objects.count()):
        if time.monotonic() > deadline:
            raise Void("visits are still being stored though nobody asks")
        time.sleep(POLL_SECONDS)
    return count
