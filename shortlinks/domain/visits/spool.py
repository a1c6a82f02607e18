"""Visits on disk while Postgres is away, replayed exactly once (reliability §4.1).

A line is a visit and its checksum. Whoever writes a file holds a lock on it: a file
that can be locked is finished, or its process is dead. It is replayed, then removed.
The visits' ids were made before, so a replay that dies half-way only starts again.
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

from shortlinks.domain.visits import visit_records
from shortlinks.domain.visits.visit_records import VisitRecord

logger = logging.getLogger(__name__)

PATTERN = "visits-*.ndjson"
MAX_FILE_BYTES = 8 * 1024 * 1024
BATCH_SIZE = 500


class SpoolFull(OSError):
    """The spool holds as much as it may; these visits are not durable."""


def encode(visit: VisitRecord) -> bytes:
    body = msgspec.json.encode(visit)
    return b"%b %08x\n" % (body, zlib.crc32(body))


def decode(line: bytes) -> VisitRecord | None:
    """The visit of a whole line; None if it is torn."""
    body, _, checksum = line.rstrip(b"\n").rpartition(b" ")
    try:
        if int(checksum, 16) != zlib.crc32(body) or not line.endswith(b"\n"):
            return None
        return msgspec.json.decode(body, type=VisitRecord)
    except ValueError:
        return None


class Writer:
    """Appends visits to a file of its own; used by one thread at a time."""

    def __init__(self, directory: Path, *, most_bytes: int) -> None:
        self._directory = directory
        self._most_bytes = most_bytes
        self._file: int | None = None
        self._size = 0

    def append(self, visits: Sequence[VisitRecord]) -> None:
        """Durable on return; SpoolFull or OSError if they are not."""
        data = b"".join([encode(visit) for visit in visits])
        if used(self._directory) + len(data) > self._most_bytes:
            raise SpoolFull(f"the spool holds {self._most_bytes} bytes")
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
        """Let go of the file, so that it can be replayed."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self._directory / PATTERN.replace("*", uuid.uuid4().hex)
        # Locked under another name first: no replay may take it for an orphan.
        hidden = path.with_suffix(".new")
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._file = os.open(hidden, flags, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        hidden.rename(path)
        _sync_directory(self._directory)
        self._size = 0

    def _truncate(self) -> None:
        """What was reported as lost is not replayed, and no torn end stays."""
        assert self._file is not None  # noqa: S101  `append` has opened it
        try:
            os.ftruncate(self._file, self._size)
        except OSError:
            self.finish()  # a torn end must not swallow the next line

    def _write(self, data: bytes) -> None:
        assert self._file is not None  # noqa: S101  `append` has opened it
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]
        os.fdatasync(self._file)
        self._size += len(data)


@dataclass(slots=True)
class ReplayResult:
    """What a replay did; `torn` lines and `refused` visits lie in `.bad` files."""

    files: int = 0
    visits: int = 0
    corrupt: int = 0
    rejected: int = 0


def used(directory: Path) -> int:
    """Bytes that the spool takes, bad lines included."""
    with contextlib.suppress(FileNotFoundError), os.scandir(directory) as entries:
        return sum(entry.stat().st_size for entry in entries)
    return 0


@dataclass(frozen=True, slots=True)
class SpoolStatus:
    """How the spool's folder stands, files that wait and the room that is left."""

    waiting_bytes: int
    bad_bytes: int
    oldest_at: float | None  # Unix seconds, of the file that waits longest
    free_bytes: int
    is_writable: bool


def inspect(directory: Path) -> SpoolStatus:
    """Writes nothing; the folder need not be there yet."""
    waiting = bad = 0
    times = []
    with contextlib.suppress(OSError):  # then it is not writable either
        for entry in os.scandir(directory):
            with contextlib.suppress(FileNotFoundError):  # replayed meanwhile
                stat = entry.stat()
                if fnmatch.fnmatch(entry.name, PATTERN):
                    waiting += stat.st_size
                    times.append(stat.st_mtime)
                else:
                    bad += stat.st_size
    place = next(p for p in (directory, *directory.parents) if os.access(p, os.F_OK))
    disk = os.statvfs(place)
    return SpoolStatus(
        waiting_bytes=waiting,
        bad_bytes=bad,
        oldest_at=min(times, default=None),
        free_bytes=disk.f_bavail * disk.f_frsize,
        is_writable=place.is_dir() and os.access(place, os.W_OK | os.X_OK),
    )


def is_waiting(directory: Path) -> bool:
    return any(directory.glob(PATTERN))


def quarantine(directory: Path, lines: Sequence[bytes]) -> None:
    """Keep lines that cannot be replayed where an operator finds them."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "visits.bad").open("ab") as bad:
        bad.writelines(lines)
        bad.flush()
        os.fdatasync(bad.fileno())


def replay(directory: Path) -> ReplayResult:
    """Write the visits of all finished files to Postgres and remove the files.

    Raises django.db.Error when Postgres is away; what was not written stays.
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
    """The file's lines under its lock; None if it is in use, or gone by now."""
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
        torn = [line for line, visit in decoded if visit is None]
        visits = [visit for _, visit in decoded if visit is not None]
        refused = _insert(visits)
        if torn or refused:
            quarantine(directory, [*torn, *map(encode, refused)])
            logger.error("spool: %d torn, %d refused", len(torn), len(refused))
        replayed.visits += len(visits) - len(refused)
        replayed.corrupt += len(torn)
        replayed.rejected += len(refused)


def _insert(visits: Sequence[VisitRecord]) -> list[VisitRecord]:
    """Insert the visits; those that Postgres refuses, found by halving."""
    if not visits:
        return []
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                visit_records.INSERT, visit_records.insert_params(visits, settle=0)
            )
    except (DataError, IntegrityError):
        if len(visits) == 1:
            return list(visits)
        half = len(visits) // 2
        return [*_insert(visits[:half]), *_insert(visits[half:])]
    return []


def _sync_directory(directory: Path) -> None:
    """A new file's name must survive a power cut, like its lines."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
