"""Waiting for a condition, and calls that are repeated meanwhile."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from systemtests import InvalidRun


def wait_for(
    condition: Callable[[], object],
    what: str,
    *,
    seconds: float = 40,
    pause: float = 0.05,
) -> float:
    """Return after how many seconds it was true; raise InvalidRun if it never was."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            raise InvalidRun(f"not within {seconds:g} s: {what}")
        time.sleep(pause)
    return time.monotonic() - began


@contextlib.contextmanager
def repeating(call: Callable[[], object], *, pause: float) -> Iterator[None]:
    """Call in a thread, at once and after each pause, until the block ends."""
    is_over = threading.Event()

    def repeat() -> None:
        call()
        while not is_over.wait(pause):
            call()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
