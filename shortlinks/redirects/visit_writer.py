"""The log of visits: an open is answered when its row is durable (DESIGN 3).

Group commit without a timer: a batch is whatever arrived while the last one was being
written, so one visit alone waits for nothing and a thousand share one fsync. When
Postgres is away the batch goes to the spool, fsynced, and is replayed later.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from shortlinks.domain.visits import spool, visit_records
from shortlinks.domain.visits.visit_records import VisitRecord
from shortlinks.observability import metrics
from shortlinks.observability.counters import HistogramBuffer
from shortlinks.redirects.database import GuardedConnection

logger = logging.getLogger(__name__)

MAX_BATCH_SIZE = 1000
MAX_QUEUED = 20_000


class QueueFull(Exception):
    """More visits wait than memory should hold; this one was not taken."""


def _seconds() -> HistogramBuffer:
    return HistogramBuffer(metrics.SECONDS)


def _sizes() -> HistogramBuffer:
    return HistogramBuffer(metrics.VISITS)


@dataclass(slots=True)
class Counts:
    """What became of the visits of this process, and the batches they came in."""

    committed: int = 0
    spooled: int = 0
    rejected: int = 0
    lost: int = 0
    commit_seconds: HistogramBuffer = field(default_factory=_seconds)
    commit_visits: HistogramBuffer = field(default_factory=_sizes)
    spool_seconds: HistogramBuffer = field(default_factory=_seconds)
    spool_visits: HistogramBuffer = field(default_factory=_sizes)


class AsyncSpool:
    """The spool's file system work, one thread at a time, off the loop."""

    def __init__(self, directory: Path, *, most_bytes: int) -> None:
        self.directory = directory
        self._writer = spool.Writer(directory, most_bytes=most_bytes)
        self._turn = asyncio.Lock()

    async def append(self, visits: Sequence[VisitRecord]) -> None:
        async with self._turn:
            await asyncio.to_thread(self._writer.append, visits)

    async def quarantine(self, visit: VisitRecord) -> None:
        lines = [spool.encode(visit)]
        await asyncio.to_thread(spool.quarantine, self.directory, lines)

    async def finish(self) -> None:
        async with self._turn:
            await asyncio.to_thread(self._writer.finish)


class VisitLog:
    """One writer, many waiters; `on_commit` hears how many each batch committed."""

    def __init__(
        self,
        database: GuardedConnection,
        door: AsyncSpool,
        *,
        settle: float,
        on_commit: Callable[[int], None],
    ) -> None:
        self.counts = Counts()
        self._database = database
        self._spool = door
        self._settle = settle
        self._on_commit = on_commit
        self._open: list[tuple[VisitRecord, asyncio.Future[None]]] = []
        self._arrived = asyncio.Event()
        self._closing = False
        self._writer = asyncio.create_task(self._write_batches())

    async def append(self, visit: VisitRecord) -> None:
        """Return when the visit is durable; LogFull if it could not be taken.

        When Postgres is away and the disk is full too, the visit is lost and its
        visitor led on all the same: counted, and logged as an error.
        """
        if len(self._open) >= MAX_QUEUED or self._closing:
            raise QueueFull
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._open.append((visit, waiter))
        self._arrived.set()
        await waiter

    async def close(self) -> None:
        """Finish what is open, take nothing more."""
        self._closing = True
        self._arrived.set()
        await self._writer

    async def _write_batches(self) -> None:
        while True:
            await self._arrived.wait()
            batch = self._open[:MAX_BATCH_SIZE]
            self._open = self._open[MAX_BATCH_SIZE:]
            if not self._open and not self._closing:
                self._arrived.clear()
            if not batch and self._closing:
                return
            await self._write(batch)

    async def _write(
        self, batch: Sequence[tuple[VisitRecord, asyncio.Future[None]]]
    ) -> None:
        if batch:
            await self._store([visit for visit, _ in batch])
        for _, waiter in batch:
            if not waiter.done():  # done: its visitor has gone
                waiter.set_result(None)

    async def _store(self, visits: Sequence[VisitRecord]) -> None:
        """Commit the visits; one that Postgres refuses stands alone."""
        statement, parameters = visit_records.insert_statement(
            visits, settle=self._settle
        )
        began = time.monotonic()
        try:
            await self._database.execute(statement, parameters)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            await self._bisect(visits, error)
        except (psycopg.Error, OSError):  # TimeoutError and Away are OSErrors
            await self._spool_batch(visits)
        else:
            self.counts.committed += len(visits)
            self.counts.commit_seconds.add(time.monotonic() - began)
            self.counts.commit_visits.add(len(visits))
            self._on_commit(len(visits))

    async def _bisect(
        self, visits: Sequence[VisitRecord], error: psycopg.Error
    ) -> None:
        if len(visits) > 1:
            half = len(visits) // 2
            await self._store(visits[:half])
            await self._store(visits[half:])
            return
        self.counts.rejected += 1
        logger.error("a visit was refused and set aside: %s", error)
        try:
            await self._spool.quarantine(visits[0])
        except OSError as full:
            self._record_loss(1, full)

    async def _spool_batch(self, visits: Sequence[VisitRecord]) -> None:
        """Also what may have been committed: its ids make the replay harmless."""
        began = time.monotonic()
        try:
            await self._spool.append(visits)
        except OSError as error:
            self._record_loss(len(visits), error)
        else:
            self.counts.spooled += len(visits)
            self.counts.spool_seconds.add(time.monotonic() - began)
            self.counts.spool_visits.add(len(visits))

    def _record_loss(self, count: int, error: OSError) -> None:
        self.counts.lost += count
        logger.critical("%d visits are LOST, neither store took them: %s", count, error)
