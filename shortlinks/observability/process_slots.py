"""Which metrics file is whose: the lowest number whose lock a process could get.

A process that is started again goes on with its predecessor's file: counters do not
fall, and files do not pile up. Locks end with their process, however it ends, and hold
between containers that share the folder.
"""

import contextlib
import fcntl
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

SUFFIX = ".lock"
# The library's files by their kinds, and what each may grow to. Their room is taken
# before they are mapped: a write into a hole of a full disk would kill its process.
ROOM = {
    "counter": 256 * 1024,
    "histogram": 1024 * 1024,
    "gauge_livesum": 64 * 1024,
}


class Slot:
    """This process's; a forked child takes one of its own when it first counts."""

    def __init__(self, directory: Path) -> None:
        self.role = "command"
        self._directory = directory
        self._pid = 0
        self._lock: int | None = None
        self._identifier = ""

    def identifier(self) -> str:
        """Of the running process, such as `worker-0`; no underscore may be in it."""
        if self._pid != os.getpid():
            self._take()
        return self._identifier

    def _take(self) -> None:
        if self._lock is not None:  # the parent's, which lives on in the parent alone
            os.close(self._lock)
        self._directory.mkdir(parents=True, exist_ok=True)
        for number in itertools.count():
            identifier = f"{self.role}-{number}"
            lock = _locked(self._directory / f"{identifier}{SUFFIX}")
            if lock is not None:
                self._lock, self._identifier = lock, identifier
                self._pid = os.getpid()
                self._take_room()
                return

    def _take_room(self) -> None:
        for kind, size in ROOM.items():
            path = self._directory / f"{kind}_{self._identifier}.db"
            with path.open("ab") as file:
                file.write(bytes(max(size - file.tell(), 0)))


def live(directory: Path) -> list[str]:
    """The identifiers of the processes that run."""
    return [name for name, is_live in _all(directory) if is_live]


@contextlib.contextmanager
def dead(directory: Path) -> Iterator[list[str]]:
    """Those of the processes that ended; none begins anew while this is open."""
    with contextlib.ExitStack() as held:
        names = []
        for path in directory.glob(f"*{SUFFIX}"):
            lock = _locked(path)
            if lock is not None:
                held.callback(os.close, lock)
                names.append(path.stem)
        yield names


def _all(directory: Path) -> Iterator[tuple[str, bool]]:
    for path in sorted(directory.glob(f"*{SUFFIX}")):
        lock = _locked(path)
        if lock is not None:
            os.close(lock)
        yield path.stem, lock is None


def _locked(path: Path) -> int | None:
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock
