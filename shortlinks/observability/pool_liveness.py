"""Whether a worker's pool still ends what comes in: known to its main process."""

import mmap
import struct
import time

MONOTONIC = struct.Struct("d")


class PoolWatch:
    """The time of the last end lies in memory that the forked children share."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, MONOTONIC.size)
        self._waiting_since = 0.0

    def task_came(self) -> None:
        if self._ended_at() >= self._waiting_since:
            self._waiting_since = time.monotonic()

    def task_ended(self) -> None:
        """In a child; the clock is the same in all processes."""
        self._shared[:] = MONOTONIC.pack(time.monotonic())

    def waits(self) -> float:
        """Seconds since a task came and none has ended."""
        if self._ended_at() >= self._waiting_since:
            return 0.0
        return time.monotonic() - self._waiting_since

    def _ended_at(self) -> float:
        return float(MONOTONIC.unpack(self._shared[:])[0])
