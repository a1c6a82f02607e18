"""Visits on disk while Postgres is unavailable (docs/reliability.md).

A line is a visit with its checksum. A writer locks its file. If a file can be locked,
its writer has finished it or has died; it is then replayed and removed. Lines contain
the ids of the visits, so a repeated replay stores no visit twice.
"""

import contextlib
import fcntl
import fnmatch
import logging
import os
import uuid
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from django.db import DataError, IntegrityError, connection, transaction

from shortlinks.domain.postgres.bisection import Bisection
from shortlinks.domain.visits import visit_records
from shortlinks.domain.visits.visit_records import VisitRecord

logger = logging.getLogger(__name__)

PATTERN = "visits-*.ndjson"
MAX_FILE_BYTES = 8 * 1024 * 1024
BATCH_SIZE = 500
# macOS has no fdatasync.
_sync_file = getattr(os, "fdatasync", os.fsync)


class SpoolFull(OSError):
    """Error when the spool has reached its limit; the visits are not durable."""


def encode(visit: VisitRecord) -> bytes:
    body = msgspec.json.encode(visit)
    return b"%b %08x\n" % (body, zlib.crc32(body))


def decode(line: bytes) -> VisitRecord | None:
    """Return the visit of a line, or None if the line is corrupt."""
    body, _, checksum = line.rstrip(b"\n").rpartition(b" ")
    try:
        if int(checksum, 16) != zlib.crc32(body) or not line.endswith(b"\n"):
            return None
        return msgspec.json.decode(body, type=VisitRecord)
    except ValueError:
        return None


class Writer:
    """A spool file of one process; only one thread at a time may use it."""

    def __init__(self, directory: Path, *, max_bytes: int) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._file: int | None = None
        self._size = 0

    def append(self, visits: Sequence[VisitRecord]) -> None:
        """Write the visits durably, or raise SpoolFull or another OSError."""
        data = b"".join([encode(visit) for visit in visits])
        if used(self._directory) + len(data) > self._max_bytes:
            raise SpoolFull(f"the spool holds {self._max_bytes} bytes")
        if self._file is None:
            self._open()
        try:
            self._write(data)
        except OSError:
            self._truncate()
            raise
        if self._size >= MAX_FILE_BYTES:
            self.finish()

    def finish(self) -> None:
        """Close the file, so that it can be replayed."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self._directory / PATTERN.replace("*", uuid.uuid4().hex)
        # Locked under another name first, so that no replay takes it for finished.
        hidden = path.with_suffix(".new")
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._file = os.open(hidden, flags, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        hidden.rename(path)
        _sync_directory(self._directory)
        self._size = 0

    def _truncate(self) -> None:
        """Remove a partial write, because its visits are reported as lost."""
        assert self._file is not None  # noqa: S101  `append` has opened it
        try:
            os.ftruncate(self._file, self._size)
        except OSError:
            self.finish()  # the next line must not continue a torn one

    def _write(self, data: bytes) -> None:
        assert self._file is not None  # noqa: S101  `append` has opened it
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]
        _sync_file(self._file)
        self._size += len(data)


@dataclass(slots=True)
class ReplayResult:
    """Counts of a replay; corrupt lines and rejected visits are in `visits.bad`."""

    files: int = 0
    visits: int = 0
    corrupt: int = 0
    rejected: int = 0


def used(directory: Path) -> int:
    """Return the size of the spool in bytes, quarantined lines included."""
    with contextlib.suppress(FileNotFoundError), os.scandir(directory) as entries:
        return sum(entry.stat().st_size for entry in entries)
    return 0


@dataclass(frozen=True, slots=True)
class SpoolStatus:
    """Size and age of the files in the spool, and the free space of its disk."""

    waiting_bytes: int
    bad_bytes: int
    oldest_at: float | None  # Unix seconds of the oldest file
    free_bytes: int
    is_writable: bool


def inspect(directory: Path) -> SpoolStatus:
    """Inspect the folder without writing; it may not exist yet."""
    waiting = bad = 0
    times = []
    with contextlib.suppress(OSError):  # `is_writable` is of the nearest folder then
        for entry in os.scandir(directory):
            with contextlib.suppress(FileNotFoundError):  # replayed meanwhile
                stat = entry.stat()
                if fnmatch.fnmatch(entry.name, PATTERN):
                    waiting += stat.st_size
                    times.append(stat.st_mtime)
                else:
                    bad += stat.st_size
    existing = next(p for p in (directory, *directory.parents) if os.access(p, os.F_OK))
    disk = os.statvfs(existing)
    return SpoolStatus(
        waiting_bytes=waiting,
        bad_bytes=bad,
        oldest_at=min(times, default=None),
        free_bytes=disk.f_bavail * disk.f_frsize,
        is_writable=existing.is_dir() and os.access(existing, os.W_OK | os.X_OK),
    )


def is_waiting(directory: Path) -> bool:
    return any(directory.glob(PATTERN))


def quarantine(directory: Path, lines: Sequence[bytes]) -> None:
    """Move lines that cannot be replayed to `visits.bad`, for an operator."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "visits.bad").open("ab") as bad:
        bad.writelines(lines)
        bad.flush()
        _sync_file(bad.fileno())


def replay(directory: Path) -> ReplayResult:
    """Insert the visits of all finished files, and remove these files.

    Raise django.db.Error if Postgres is unavailable; files not inserted are kept.
    """
    replayed = ReplayResult()
    for path in sorted(directory.glob(PATTERN)):
        with _claimed(path) as lines:
            if lines is None:
                continue
            _replay_file(directory, lines, replayed)
            path.unlink()
            replayed.files += 1
    if replayed.files:
        logger.info("spool replayed: %s", replayed)
    return replayed


@contextlib.contextmanager
def _claimed(path: Path) -> Iterator[list[bytes] | None]:
    """Lock a file and return its lines, or None if it is in use or was removed."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        yield None
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        is_gone = os.fstat(file.fileno()).st_nlink == 0
        yield None if is_gone else file.readlines()


def _replay_file(
    directory: Path, lines: Sequence[bytes], replayed: ReplayResult
) -> None:
    for start in range(0, len(lines), BATCH_SIZE):
        part = lines[start : start + BATCH_SIZE]
        decoded = [(line, decode(line)) for line in part]
        corrupt = [line for line, visit in decoded if visit is None]
        visits = [visit for _, visit in decoded if visit is not None]
        rejected = _insert(visits)
        if corrupt or rejected:
            quarantine(directory, [*corrupt, *map(encode, rejected)])
            logger.error("spool: %d corrupt, %d rejected", len(corrupt), len(rejected))
        replayed.visits += len(visits) - len(rejected)
        replayed.corrupt += len(corrupt)
        replayed.rejected += len(rejected)


def _insert(visits: Sequence[VisitRecord]) -> list[VisitRecord]:
    """Insert the visits; return those that Postgres rejects."""
    rejected: list[VisitRecord] = []
    parts = Bisection(visits)
    for part in parts:
        parameters = visit_records.insert_params(part, delay=0)
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(visit_records.INSERT, parameters)
        except (DataError, IntegrityError):
            if not parts.split(part):
                rejected += part
    return rejected


def _sync_directory(directory: Path) -> None:
    """Fsync the folder, so that the name of a new file survives a power failure."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
