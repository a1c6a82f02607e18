"""Detect in a worker's main process that its pool finishes no tasks."""

import mmap
import struct
import time

MONOTONIC = struct.Struct("d")


class PoolWatch:
    """Keeps the time of the last finished task in memory that all children share."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, MONOTONIC.size)
        self._waiting_since = 0.0

    def record_arrival(self) -> None:
        if self._ended_at() >= self._waiting_since:
            self._waiting_since = time.monotonic()

    def record_end(self) -> None:
        """Record in a child; the monotonic clock is the same in all processes."""
        self._shared[:] = MONOTONIC.pack(time.monotonic())

    def waiting_seconds(self) -> float:
        """Return the seconds since a task arrived, if none has ended since."""
        if self._ended_at() >= self._waiting_since:
            return 0.0
        return time.monotonic() - self._waiting_since

    def _ended_at(self) -> float:
        return float(MONOTONIC.unpack(self._shared[:])[0])
