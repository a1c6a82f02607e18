"""Assign metrics files to processes: each takes the lowest number that it can lock.

A restarted process continues the files of its predecessor, so that counters do not fall
and files do not accumulate. A lock ends with its process, and works across containers
that share the folder.
"""

import contextlib
import fcntl
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

SUFFIX = ".lock"
# Maximum bytes of the library's files, by type. They are allocated before the files are
# mapped, because a write into a hole on a full disk would kill the process.
FILE_SIZES = {
    "counter": 256 * 1024,
    "histogram": 1024 * 1024,
    "gauge_livesum": 64 * 1024,
}


class Slot:
    """The slot of this process; a forked child takes its own when it first counts."""

    def __init__(self, directory: Path) -> None:
        self.role = "command"
        self._directory = directory
        self._pid = 0
        self._lock: int | None = None
        self._identifier = ""

    def identifier(self) -> str:
        """Return a name such as `worker-0`, which must not contain an underscore."""
        if self._pid != os.getpid():
            self._take()
        return self._identifier

    def _take(self) -> None:
        if self._lock is not None:  # of the parent, which keeps it
            os.close(self._lock)
        self._directory.mkdir(parents=True, exist_ok=True)
        for number in itertools.count():
            identifier = f"{self.role}-{number}"
            lock = _try_lock(self._directory / f"{identifier}{SUFFIX}")
            if lock is not None:
                self._lock, self._identifier = lock, identifier
                self._pid = os.getpid()
                self._allocate()
                return

    def _allocate(self) -> None:
        for kind, size in FILE_SIZES.items():
            path = self._directory / f"{kind}_{self._identifier}.db"
            with path.open("ab") as file:
                file.write(bytes(max(size - file.tell(), 0)))


def live(directory: Path) -> list[str]:
    """Return the identifiers of the running processes."""
    return [name for name, is_live in _all(directory) if is_live]


@contextlib.contextmanager
def dead(directory: Path) -> Iterator[list[str]]:
    """Yield the identifiers of ended processes, which are locked meanwhile."""
    with contextlib.ExitStack() as held:
        names = []
        for path in directory.glob(f"*{SUFFIX}"):
            lock = _try_lock(path)
            if lock is not None:
                held.callback(os.close, lock)
                names.append(path.stem)
        yield names


def _all(directory: Path) -> Iterator[tuple[str, bool]]:
    for path in sorted(directory.glob(f"*{SUFFIX}")):
        lock = _try_lock(path)
        if lock is not None:
            os.close(lock)
        yield path.stem, lock is None


def _try_lock(path: Path) -> int | None:
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock
