"""SIGINT (Ctrl-C), SIGTERM and SIGHUP as an exception, so that `finally` cleans up."""

import signal
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """Like KeyboardInterrupt, no error: code that handles errors lets it pass."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum


def expect() -> None:
    for signum in SIGNALS:
        signal.signal(signum, _interrupt)


def ignore() -> None:
    """From here on nothing interrupts: what cleans up must come to its end."""
    for signum in SIGNALS:
        signal.signal(signum, signal.SIG_IGN)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    ignore()
    raise Interrupted(signum)
