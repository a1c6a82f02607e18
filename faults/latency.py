"""How long visitors waited: until the breaker opened, and from then on."""

import contextlib
import http.client
import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from faults import service
from faults.opens import Open

POLL_SECONDS = 0.02
MOST_BEFORE = 1.2
MOST_AFTER = 0.05
STORES = ("postgres", "redis")


class Watch:
    """When each redirects' process first says of each store that it is away."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = ports
        self._opened: dict[tuple[int, str], float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch")

    @property
    def opened_at(self) -> float | None:
        """When the last of the breakers opened; None if none has."""
        return max(self._opened.values(), default=None)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(POLL_SECONDS):
            for port in self._ports:
                with contextlib.suppress(OSError, http.client.HTTPException):
                    checks = service.ready(port)
                    for store in STORES:
                        if not checks[store]["ok"]:
                            self._opened.setdefault((port, store), time.monotonic())


@dataclass(frozen=True, kw_only=True)
class Waits:
    """The 99th percentiles in seconds; None where nobody waited."""

    before: float | None
    after: float | None

    @property
    def is_met(self) -> bool:
        return (self.before or 0) <= MOST_BEFORE and (self.after or 0) <= MOST_AFTER


def measure(
    opened: Sequence[Open],
    *,
    injected_at: float,
    breaker_at: float | None,
    excluded: Collection[int],
) -> Waits:
    """Of answered opens at the doors that the fault did not hit itself."""
    counted = [
        each for each in opened if each.is_answered and each.door not in excluded
    ]
    turn = breaker_at or injected_at
    return Waits(
        before=_p99([each for each in counted if injected_at <= each.due < turn]),
        after=_p99([each for each in counted if turn <= each.due]),
    )


def _p99(opened: Sequence[Open]) -> float | None:
    waits = sorted(each.seconds for each in opened)
    return waits[int(len(waits) * 0.99)] if waits else None
