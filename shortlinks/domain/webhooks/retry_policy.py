"""Retries of webhook deliveries."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

GONE = 410
# Before each attempt, counted from the end of the previous one.
RETRY_DELAYS = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
MAX_PAUSE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of an attempt: the response's status, and a key of `failures`."""

    status: int | None = None
    error: str = ""
    pause: timedelta | None = None  # requested by the receiver
    is_our_fault: bool = False

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        return self.status == GONE


def next_delay(outcome: Outcome, attempts: int) -> timedelta | None:
    """Return the delay after this many failed attempts, or None to give up."""
    if outcome.is_gone or attempts >= len(RETRY_DELAYS):
        return None
    return max(RETRY_DELAYS[attempts], outcome.pause or timedelta(0))


def parse_retry_after(retry_after: str | None, now: datetime) -> timedelta | None:
    """Return the pause that a `Retry-After` header requests, a day at most.

    The header is a number of seconds or a date.
    """
    if not retry_after:
        return None
    if retry_after.strip().isdecimal():
        pause = timedelta(seconds=int(retry_after.strip()[:9]))
    else:
        try:
            until = parsedate_to_datetime(retry_after)
        except ValueError:
            return None
        if until.tzinfo is None:
            until = until.replace(tzinfo=UTC)
        pause = until - now
    return min(max(pause, timedelta(0)), MAX_PAUSE)
