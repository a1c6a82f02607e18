"""Conditions with deadlines."""

import time
from collections.abc import Callable

POLL_SECONDS = 0.05


class Broken(Exception):
    """The suite cannot go on: something it needs did not come about."""


def wait_for(
    condition: Callable[[], object], what: str, *, seconds: float = 40
) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Broken(f"waited {seconds:.0f} s in vain until {what}")
        time.sleep(POLL_SECONDS)
