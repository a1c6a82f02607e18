"""Replay the spool files of this process and of ended ones (docs/adr/0008)."""

import asyncio
import logging
from collections.abc import Callable

from django.db import Error, connection

from shortlinks.domain.circuit_breaker import CircuitBreaker
from shortlinks.domain.visits import spool
from shortlinks.observability import metrics
from shortlinks.redirects.visit_writer import AsyncSpool

logger = logging.getLogger(__name__)

POLL_INTERVAL_SECONDS = 2.0


async def replay_forever(
    async_spool: AsyncSpool,
    breaker: CircuitBreaker,
    *,
    on_commit: Callable[[int], None],
) -> None:
    while True:
        if not breaker.is_open and spool.is_waiting(async_spool.directory):
            await async_spool.finish()
            on_commit(await asyncio.to_thread(_replay, async_spool))
        await asyncio.sleep(POLL_INTERVAL_SECONDS)


def _replay(async_spool: AsyncSpool) -> int:
    try:
        replayed = spool.replay(async_spool.directory)
    except (Error, OSError) as error:
        logger.warning("the spool was not replayed: %s", error)
        return 0
    finally:
        connection.close()  # this thread may not be used again
    metrics.visits_replayed.labels("stored").inc(replayed.visits)
    metrics.visits_replayed.labels("rejected").inc(replayed.rejected)
    metrics.visits_replayed.labels("corrupt").inc(replayed.corrupt)
    return replayed.visits
