"""Brings the spool home: this process's files, and those of dead ones (DESIGN 3).

The process that has the disk replays it, so no volume needs to be shared.
"""

import asyncio
import logging
from collections.abc import Callable

from django.db import Error, connection

from shortlinks.domain.visits import spool
from shortlinks.observability import metrics
from shortlinks.redirects.circuit_breaker import CircuitBreaker
from shortlinks.redirects.visit_writer import AsyncSpool

logger = logging.getLogger(__name__)

POLL_INTERVAL_SECONDS = 2.0


async def replay_forever(
    door: AsyncSpool, database: CircuitBreaker, *, on_commit: Callable[[int], None]
) -> None:
    """As long as the process lives: whenever Postgres is there and files wait."""
    while True:
        if not database.is_open and spool.is_waiting(door.directory):
            await door.finish()
            on_commit(await asyncio.to_thread(_replay, door))
        await asyncio.sleep(POLL_INTERVAL_SECONDS)


def _replay(door: AsyncSpool) -> int:
    try:
        replayed = spool.replay(door.directory)
    except (Error, OSError) as error:
        logger.warning("the spool waits on: %s", error)
        return 0
    finally:
        connection.close()  # of this thread, which may never come again
    metrics.visits_replayed.labels("stored").inc(replayed.visits)
    metrics.visits_replayed.labels("rejected").inc(replayed.rejected)
    metrics.visits_replayed.labels("corrupt").inc(replayed.corrupt)
    return replayed.visits
