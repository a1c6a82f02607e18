"""The log of visits: an open is answered only when its row is durable (DESIGN 3).

Group commit without a timer: a batch is whatever arrived while the last one was being
written, so one visit alone waits for nothing and a thousand share one fsync.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

import psycopg

from shortlinks.redirects.database import Connection
from shortlinks.redirects.visit_facts import VisitFacts

logger = logging.getLogger(__name__)

MOST_IN_A_BATCH = 1000
MOST_WAITING = 20_000

# Columns go as text arrays, made here in one pass each: the drivers' own arrays
# cost several times as much for each element.
INSERT = """
INSERT INTO shortlinks_visit
  (id, link_id, occurred_at, method, user_agent, accept_language, referer, sec_fetch,
   purpose, address, source, pixel_sha256, pixel_is_new, due_at)
SELECT id, link_id, to_timestamp(occurred_at), method, user_agent, accept_language,
       referer, sec_fetch, purpose, nullif(address, '')::inet, decode(source, 'hex'),
       decode(nullif(pixel_sha256, ''), 'hex'), pixel_is_new,
       now() + %(settle)s * interval '1 s'
FROM unnest(%(id)s::uuid[], %(link_id)s::bigint[], %(occurred_at)s::float8[],
            %(method)s::text[], %(user_agent)s::text[], %(accept_language)s::text[],
            %(referer)s::text[], %(sec_fetch)s::text[], %(purpose)s::text[],
            %(address)s::text[], %(source)s::text[], %(pixel_sha256)s::text[],
            %(pixel_is_new)s::bool[])
  AS v (id, link_id, occurred_at, method, user_agent, accept_language, referer,
        sec_fetch, purpose, address, source, pixel_sha256, pixel_is_new)
ON CONFLICT (id) DO NOTHING
"""
TEXTS = frozenset(
    {"user_agent", "accept_language", "referer", "sec_fetch", "purpose", "address"}
)
# In no text: `visit_facts` lets no control character through.
SEPARATOR = "\x1f"


class VisitNotStored(Exception):
    """The visit is not durable, so it may not be answered with a redirect."""


class VisitLog:
    """One writer, many waiters; `on_commit` hears of every batch."""

    def __init__(
        self, database: Connection, *, settle: float, on_commit: Callable[[int], None]
    ) -> None:
        self._database = database
        self._settle = settle
        self._on_commit = on_commit
        self._open: list[tuple[VisitFacts, asyncio.Future[None]]] = []
        self._arrived = asyncio.Event()
        self._closing = False
        self._writer = asyncio.create_task(self._write_batches())

    async def append(self, visit: VisitFacts) -> None:
        """Return when the visit is committed; VisitNotStored if it cannot be."""
        if len(self._open) >= MOST_WAITING or self._closing:
            raise VisitNotStored
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
            batch = self._open[:MOST_IN_A_BATCH]
            self._open = self._open[MOST_IN_A_BATCH:]
            if not self._open and not self._closing:
                self._arrived.clear()
            if batch:
                await self._write(batch)
            elif self._closing:
                return

    async def _write(
        self, batch: Sequence[tuple[VisitFacts, asyncio.Future[None]]]
    ) -> None:
        stored = await self._store([visit for visit, _ in batch])
        for (_, waiter), is_stored in zip(batch, stored, strict=True):
            if waiter.done():  # its visitor has gone
                continue
            if is_stored:
                waiter.set_result(None)
            else:
                waiter.set_exception(VisitNotStored())
        self._on_commit(sum(stored))

    async def _store(self, visits: Sequence[VisitFacts]) -> list[bool]:
        """Which of the visits are durable; one that Postgres refuses stands alone."""
        try:
            await self._insert(visits)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            if len(visits) == 1:
                logger.error("a visit was refused: %s", error)  # noqa: TRY400
                return [False]
            half = len(visits) // 2
            return [
                *await self._store(visits[:half]),
                *await self._store(visits[half:]),
            ]
        except (psycopg.Error, OSError) as error:  # TimeoutError is an OSError
            logger.error("%d visits were not stored: %r", len(visits), error)  # noqa: TRY400
            return [False] * len(visits)
        return [True] * len(visits)

    async def _insert(self, visits: Sequence[VisitFacts]) -> None:
        """Insert the visits, again on a new connection if the old one was cut.

        A second try is harmless: the ids were made before the first.
        """
        columns = _columns(visits) | {"settle": self._settle}
        try:
            await self._database.execute(INSERT, columns)
        except psycopg.OperationalError:
            await self._database.execute(INSERT, columns)


def _columns(visits: Sequence[VisitFacts]) -> dict[str, object]:
    """The visits as one Postgres array for each column, in its text form."""
    return {
        name: _quoted(values) if name in TEXTS else _bare(values)
        for name, values in zip(
            VisitFacts._fields, zip(*visits, strict=True), strict=True
        )
    }


def _bare(values: Sequence[object]) -> str:
    return "{" + ",".join([str(value) or '""' for value in values]) + "}"


def _quoted(values: Sequence[str]) -> str:
    joined = SEPARATOR.join(values).replace("\\", "\\\\").replace('"', '\\"')
    return '{"' + joined.replace(SEPARATOR, '","') + '"}'
