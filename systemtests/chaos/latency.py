"""Waiting times of visitors, before and after the circuit breakers opened."""

import contextlib
import http.client
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from systemtests import traffic
from systemtests.chaos import service
from systemtests.traffic import Open

POLL_SECONDS = 0.02
MAX_BEFORE_SECONDS = 1.2
MAX_AFTER_SECONDS = 0.05
STORES = ("postgres", "redis")


class BreakerWatch:
    """Records when each redirect process first reports each store as unavailable."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = ports
        self._opened: dict[tuple[int, str], float] = {}

    @property
    def last_opened_at(self) -> float | None:
        return max(self._opened.values(), default=None)

    def poll(self) -> None:
        for port in self._ports:
            with contextlib.suppress(OSError, http.client.HTTPException):
                checks = service.readiness(port)
                for store in STORES:
                    if not checks[store]["ok"]:
                        self._opened.setdefault((port, store), time.monotonic())


@dataclass(frozen=True, kw_only=True)
class Waits:
    """99th percentiles in seconds; None if nobody waited."""

    before: float | None
    after: float | None

    @property
    def is_met(self) -> bool:
        return (self.before or 0) <= MAX_BEFORE_SECONDS and (
            self.after or 0
        ) <= MAX_AFTER_SECONDS


def measure(
    opened: Sequence[Open],
    *,
    injected_at: float,
    opened_at: float | None,
    excluded: Collection[int],
) -> Waits:
    """Return the waits for redirect processes that the fault did not hit itself."""
    counted = [
        each for each in opened if each.is_answered and each.server not in excluded
    ]
    turn = opened_at or injected_at
    before = [each for each in counted if injected_at <= each.due < turn]
    after = [each for each in counted if turn <= each.due]
    return Waits(
        before=traffic.percentile(before, 0.99), after=traffic.percentile(after, 0.99)
    )
