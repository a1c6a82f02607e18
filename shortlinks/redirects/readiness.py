"""Check the stores for `/readyz` of the redirects, even without visitors."""

import asyncio
import time
from pathlib import Path

import psycopg
import redis.asyncio as redis

from shortlinks.domain.circuit_breaker import CircuitBreaker
from shortlinks.domain.monitoring import health
from shortlinks.domain.monitoring.health import Check
from shortlinks.domain.visits import spool
from shortlinks.redirects.database import GuardedConnection
from shortlinks.redirects.visit_writer import Counts

# At most this often, however many requests arrive.
CHECK_INTERVAL_SECONDS = 0.5


class Readiness:
    """A failed check opens the circuit breaker before a visitor has to wait."""

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
        self._has_postgres = self._has_redis = True

    async def checks(self) -> list[Check]:
        async with self._lock:
            if time.monotonic() - self._checked_at > CHECK_INTERVAL_SECONDS:
                self._has_postgres = await self._check_postgres()
                self._has_redis = await self._check_redis()
                self._checked_at = time.monotonic()
        return health.check_redirects(
            has_postgres=self._has_postgres,
            has_redis=self._has_redis,
            lost=self._counts.lost,
            disk=await asyncio.to_thread(spool.inspect, self._spool_directory),
        )

    async def _check_postgres(self) -> bool:
        try:
            await self._database.execute("SELECT 1")
        except (psycopg.Error, OSError):
            return False
        return True

    async def _check_redis(self) -> bool:
        if self._cache_breaker.is_open:
            return False
        try:
            await self._cache.ping()
        except redis.RedisError as error:
            self._cache_breaker.trip(error)
            return False
        return True
