"""Store visits in batches; an open is answered when its visit is durable.

A batch contains the visits that arrived while the last batch was written. A single
visit is written at once, and a thousand share one commit. While Postgres is
unavailable, batches are written to the spool and replayed later.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from shortlinks.domain.postgres.bisection import Bisection
from shortlinks.domain.visits import spool, visit_records
from shortlinks.domain.visits.visit_records import VisitRecord
from shortlinks.observability import metrics
from shortlinks.observability.counters import HistogramBuffer
from shortlinks.redirects.database import GuardedConnection
from shortlinks.redirects.visit_budget import CountedVisits

logger = logging.getLogger(__name__)

MAX_BATCH_SIZE = 1000
MAX_QUEUED = 20_000
# One link may fill a hundredth of the spool.
LINKS_IN_SPOOL = 100
SPOOLED_VISIT_BYTES = 500
COUNTED_INTERVAL_SECONDS = 5.0
# A visit with its visitor's address, or a record of counted visits with None.
QueuedVisit = tuple[VisitRecord, bytes | None]


class QueueFull(Exception):
    """Too many visits wait for a commit; this one was not stored."""


def _seconds_buffer() -> HistogramBuffer:
    return HistogramBuffer(metrics.SECONDS)


def _visits_buffer() -> HistogramBuffer:
    return HistogramBuffer(metrics.VISITS)


@dataclass(slots=True)
class Counts:
    """Visits and batches of this process by their result."""

    committed: int = 0
    spooled: int = 0
    rejected: int = 0
    lost: int = 0
    counted: int = 0  # one visit is stored for many
    commit_seconds: HistogramBuffer = field(default_factory=_seconds_buffer)
    commit_visits: HistogramBuffer = field(default_factory=_visits_buffer)
    spool_seconds: HistogramBuffer = field(default_factory=_seconds_buffer)
    spool_visits: HistogramBuffer = field(default_factory=_visits_buffer)


class AsyncSpool:
    """The spool, written in threads, one at a time."""

    def __init__(self, directory: Path, *, max_bytes: int) -> None:
        self.directory = directory
        self.max_visits_per_link = max(
            1, max_bytes // LINKS_IN_SPOOL // SPOOLED_VISIT_BYTES
        )
        self._writer = spool.Writer(directory, max_bytes=max_bytes)
        self._lock = asyncio.Lock()

    async def append(self, visits: Sequence[VisitRecord]) -> None:
        async with self._lock:
            await asyncio.to_thread(self._writer.append, visits)

    async def quarantine(self, visit: VisitRecord) -> None:
        lines = [spool.encode(visit)]
        await asyncio.to_thread(spool.quarantine, self.directory, lines)

    async def finish(self) -> None:
        async with self._lock:
            await asyncio.to_thread(self._writer.finish)


class VisitLog:
    """Commits visits; `on_commit` is called with the size of each batch."""

    def __init__(
        self,
        database: GuardedConnection,
        spool: AsyncSpool,
        *,
        delay: float,
        on_commit: Callable[[int], None],
    ) -> None:
        self.counts = Counts()
        self._database = database
        self._spool = spool
        self._delay = delay
        self._on_commit = on_commit
        self._counted = CountedVisits()
        self._spooled: Counter[int] = Counter()  # by link, while Postgres is down
        self._queue: list[tuple[QueuedVisit, asyncio.Future[None]]] = []
        self._arrived = asyncio.Event()
        self._closing = False
        self._writer = asyncio.create_task(self._write_batches())

    async def append(self, visit: VisitRecord, address: bytes) -> None:
        """Return when the visit is durable; raise QueueFull.

        While Postgres is unavailable, visits beyond a link's share of the spool are
        only counted. If the spool fails too, the visit is lost, which is logged.
        """
        if len(self._queue) >= MAX_QUEUED or self._closing:
            raise QueueFull
        await self._enqueue((visit, address))

    async def count(self, visit: VisitRecord, address: bytes) -> None:
        """Count a visit; within seconds, one visit is stored for many counted ones.

        A killed process loses these counts. Raise QueueFull like `append`.
        """
        if self._closing:
            raise QueueFull
        if self._counted.add(visit, address):
            self.counts.counted += 1
        else:
            await self.append(visit, address)

    async def store_counted_forever(self) -> None:
        while True:
            await asyncio.sleep(COUNTED_INTERVAL_SECONDS)
            await self.store_counted()

    async def store_counted(self) -> None:
        """Store one visit for all that were counted since the last call."""
        if waiters := self._enqueue_counted():
            await asyncio.wait(waiters)

    def _enqueue_counted(self) -> list[asyncio.Future[None]]:
        records = self._counted.take()
        if mixed := sum(record.visit_count for record in records if record.is_mixed):
            logger.warning("%d visits of many visitors were counted together", mixed)
        return [self._enqueue((record, None)) for record in records]

    def _enqueue(self, queued: QueuedVisit) -> asyncio.Future[None]:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((queued, waiter))
        self._arrived.set()
        return waiter

    async def close(self) -> None:
        """Store the waiting visits, and accept no more."""
        self._closing = True
        self._enqueue_counted()
        self._arrived.set()
        await self._writer

    async def _write_batches(self) -> None:
        while True:
            await self._arrived.wait()
            batch = self._queue[:MAX_BATCH_SIZE]
            self._queue = self._queue[MAX_BATCH_SIZE:]
            if not self._queue and not self._closing:
                self._arrived.clear()
            if not batch and self._closing:
                return
            await self._write(batch)

    async def _write(
        self, batch: Sequence[tuple[QueuedVisit, asyncio.Future[None]]]
    ) -> None:
        if batch:
            await self._store([queued for queued, _ in batch])
        for _, waiter in batch:
            if not waiter.done():  # done if its visitor has disconnected
                waiter.set_result(None)

    async def _store(self, batch: Sequence[QueuedVisit]) -> None:
        """Commit the visits, spool them, or quarantine those that Postgres rejects."""
        parts = Bisection(batch)
        for part in parts:
            try:
                await self._commit([visit for visit, _ in part])
            except (psycopg.DataError, psycopg.IntegrityError) as error:
                if not parts.split(part):
                    await self._quarantine(part[0][0], error)
            except (psycopg.Error, OSError):  # also StoreUnavailable
                await self._spool_batch(part)
            except Exception:  # any error; later visitors wait for this task
                logger.exception("%d visits are spooled after an error", len(part))
                await self._spool_batch(part)

    async def _commit(self, visits: Sequence[VisitRecord]) -> None:
        statement, parameters = visit_records.insert_statement(
            visits, delay=self._delay
        )
        began = time.monotonic()
        await self._database.execute(statement, parameters)
        self.counts.committed += len(visits)
        self.counts.commit_seconds.add(time.monotonic() - began)
        self.counts.commit_visits.add(len(visits))
        self._spooled.clear()
        self._on_commit(len(visits))

    async def _quarantine(self, visit: VisitRecord, error: psycopg.Error) -> None:
        self.counts.rejected += 1
        logger.error("a visit was rejected and quarantined: %s", error)
        try:
            await self._spool.quarantine(visit)
        except Exception as failure:  # noqa: BLE001  such as no thread left
            self._record_loss(1, failure)

    async def _spool_batch(self, part: Sequence[QueuedVisit]) -> None:
        """Spool visits. Some may be committed, but a replay skips ids that exist."""
        visits = [
            visit
            for visit, address in part
            if not self._is_counted_instead(visit, address)
        ]
        if not visits:
            return
        began = time.monotonic()
        try:
            await self._spool.append(visits)
        except Exception as error:  # noqa: BLE001  such as no thread left
            self._record_loss(sum(visit.visit_count for visit in visits), error)
        else:
            self.counts.spooled += len(visits)
            self.counts.spool_seconds.add(time.monotonic() - began)
            self.counts.spool_visits.add(len(visits))

    def _is_counted_instead(self, visit: VisitRecord, address: bytes | None) -> bool:
        """Count a visit if its link has filled its share of the spool; return whether.

        A record of counted visits is always spooled: its visits waited long enough.
        """
        self._spooled[visit.link_id] += 1
        is_over = self._spooled[visit.link_id] > self._spool.max_visits_per_link
        if not is_over or address is None or self._closing:
            return False
        is_counted = self._counted.add(visit, address)
        self.counts.counted += is_counted
        return is_counted

    def _record_loss(self, count: int, error: Exception) -> None:
        self.counts.lost += count
        logger.critical("%d visits are LOST, neither store works: %s", count, error)
