"""Check the stores for `/readyz` of the redirects, even without visitors."""

import asyncio
import time
from pathlib import Path

import psycopg
import redis.asyncio as redis

from shortlinks.domain.circuit_breaker import CircuitBreaker, StoreUnavailable
from shortlinks.domain.monitoring import health
from shortlinks.domain.monitoring.health import Check
from shortlinks.domain.visits import spool
from shortlinks.redirects.database import GuardedConnection
from shortlinks.redirects.visit_writer import Counts

# At most this often, however many requests arrive.
CHECK_INTERVAL_SECONDS = 0.5


class Readiness:
    """Checks of the stores; a failure opens the breaker before a visitor has to wait.

    `_postgres_error` and `_redis_error` are names of exceptions, or empty.
    """

    def __init__(
        self,
        database: GuardedConnection,
        cache: redis.Redis,
        cache_breaker: CircuitBreaker,
        counts: Counts,
        spool_directory: Path,
    ) -> None:
        self._database = database
        self._cache = cache
        self._cache_breaker = cache_breaker
        self._counts = counts
        self._spool_directory = spool_directory
        self._lock = asyncio.Lock()
        self._checked_at = 0.0
        self._postgres_error = self._redis_error = ""

    async def checks(self) -> list[Check]:
        async with self._lock:
            if time.monotonic() - self._checked_at > CHECK_INTERVAL_SECONDS:
                self._postgres_error = await self._check_postgres()
                self._redis_error = await self._check_redis()
                self._checked_at = time.monotonic()
        return health.check_redirects(
            postgres_error=self._postgres_error,
            redis_error=self._redis_error,
            lost=self._counts.lost,
            disk=await asyncio.to_thread(spool.inspect, self._spool_directory),
        )

    async def _check_postgres(self) -> str:
        try:
            await self._database.execute("SELECT 1")
        except StoreUnavailable:
            return self._database.last_error
        except (psycopg.Error, OSError) as error:
            return type(error).__name__
        return ""

    async def _check_redis(self) -> str:
        if self._cache_breaker.is_open:
            return self._cache_breaker.last_error
        try:
            await self._cache.ping()
        except redis.RedisError as error:
            self._cache_breaker.trip(error)
            return type(error).__name__
        return ""
