"""Look up links and accounts in Redis, then in Postgres.

Postgres is queried for all keys that Redis does not have, and for ended links: unknown
and ended links must take the same time (SECURITY.md).
"""

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

import msgspec
import psycopg
import redis.asyncio as redis

from shortlinks.domain.circuit_breaker import CircuitBreaker
from shortlinks.domain.links import redis_cache, urls
from shortlinks.domain.links.redis_cache import CachedAccount, CachedLink
from shortlinks.domain.pixels import consent
from shortlinks.redirects.coalescing_cache import Incomplete
from shortlinks.redirects.database import GuardedConnection, Row

K = TypeVar("K")
V = TypeVar("V", CachedLink, CachedAccount)

SELECT_LINKS = f"""
SELECT link.code, link.id, link.account_id, link.target,
       extract(epoch FROM link.expires_at)::float8,
       {consent.SELECTED}
FROM shortlinks_shortlink AS link
JOIN shortlinks_contact AS contact ON contact.id = link.contact_id
WHERE link.code = ANY(%(keys)s) AND link.disabled_at IS NULL
  AND (link.expires_at IS NULL OR link.expires_at > to_timestamp(%(now)s))
"""  # noqa: S608  constants
SELECT_ACCOUNTS = f"""
SELECT id, {", ".join(CachedAccount.__struct_fields__)}
FROM shortlinks_account WHERE id = ANY(%(keys)s) AND is_active
"""  # noqa: S608  constants


class LinkStore:
    def __init__(
        self,
        database: GuardedConnection,
        cache: redis.Redis,
        cache_breaker: CircuitBreaker,
        policy: urls.UrlPolicy,
    ) -> None:
        self._database = database
        self._cache = cache
        self._cache_breaker = cache_breaker
        self._policy = policy

    async def links(self, codes: Sequence[str]) -> dict[str, CachedLink]:
        """Return the active links whose targets the current URL policy allows."""
        return await self._read_through(
            codes, self._cached_links, redis_cache.link_key, self._select_links
        )

    async def accounts(self, ids: Sequence[int]) -> dict[int, CachedAccount]:
        return await self._read_through(
            ids, self._cached_accounts, redis_cache.account_key, self._select_accounts
        )

    async def _read_through(
        self,
        keys: Sequence[K],
        read_cached: Callable[[Sequence[K]], Awaitable[dict[K, V]]],
        redis_key: Callable[[K], str],
        select: Callable[[Sequence[K]], Awaitable[dict[K, V]]],
    ) -> dict[K, V]:
        found = await read_cached(keys)
        missing = [key for key in keys if key not in found]
        if missing:
            try:
                stored = await select(missing)
            except (psycopg.Error, OSError) as error:
                raise Incomplete(found) from error
            await self._write_back({redis_key(key): v for key, v in stored.items()})
            found |= stored
        return found

    async def _cached_links(self, codes: Sequence[str]) -> dict[str, CachedLink]:
        now = time.time()
        found = await self._cached(codes, CachedLink, redis_cache.link_key)
        return {
            code: link
            for code, link in found.items()
            if self._is_allowed(link.target) and not link.is_expired(now)
        }

    async def _cached_accounts(self, ids: Sequence[int]) -> dict[int, CachedAccount]:
        return await self._cached(ids, CachedAccount, redis_cache.account_key)

    def _is_allowed(self, target: str) -> bool:
        return urls.is_still_allowed(target, self._policy)

    async def _cached(
        self, keys: Sequence[K], value_type: type[V], redis_key: Callable[[K], str]
    ) -> dict[K, V]:
        """Return the values in Redis, without tombstones."""
        if self._cache_breaker.is_open:
            return {}
        try:
            values = await self._cache.mget([redis_key(key) for key in keys])
        except redis.RedisError as error:
            self._cache_breaker.trip(error)
            return {}
        return {
            key: msgspec.json.decode(value, type=value_type)
            for key, value in zip(keys, values, strict=True)
            if value is not None and value != redis_cache.TOMBSTONE
        }

    async def _write_back(
        self, values: dict[str, CachedLink] | dict[str, CachedAccount]
    ) -> None:
        """Add values to Redis, but never replace an existing one, which is newer."""
        if self._cache_breaker.is_open:
            return
        pipeline = self._cache.pipeline(transaction=False)
        for key, value in values.items():
            encoded = msgspec.json.encode(value)
            pipeline.set(key, encoded, ex=redis_cache.TTL_SECONDS, nx=True)
        try:
            await pipeline.execute()
        except redis.RedisError as error:
            self._cache_breaker.trip(error)

    async def _select_links(self, codes: Sequence[str]) -> dict[str, CachedLink]:
        rows = await self._select(SELECT_LINKS, codes)
        return {
            code: CachedLink.from_row(
                id=id_,
                account_id=account_id,
                target=target,
                expires_at=expires_at,
                tracking_consent=tracking_consent,
            )
            for code, id_, account_id, target, expires_at, tracking_consent in rows
            if self._is_allowed(target)
        }

    async def _select_accounts(self, ids: Sequence[int]) -> dict[int, CachedAccount]:
        rows = await self._select(SELECT_ACCOUNTS, ids)
        return {
            id_: msgspec.convert(settings, CachedAccount) for id_, *settings in rows
        }

    async def _select(self, query: str, keys: Iterable[object]) -> list[Row]:
        return await self._database.execute(
            query, {"keys": list(keys), "now": time.time()}
        )
