"""Where a redirect finds links and accounts: this process, Redis, Postgres."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

import msgspec
import redis.asyncio as redis

from shortlinks.domain.links import redis_cache, urls
from shortlinks.domain.links.redis_cache import CachedAccount, CachedLink
from shortlinks.domain.pixels import consent
from shortlinks.redirects.circuit_breaker import CircuitBreaker
from shortlinks.redirects.database import GuardedConnection, Row

K = TypeVar("K")
V = TypeVar("V", CachedLink, CachedAccount)

SELECT_LINKS = """
SELECT link.code, link.id, link.account_id, link.target,
       coalesce(extract(epoch FROM link.expires_at), 0)::float8,
       contact.tracking_consent
FROM shortlinks_shortlink AS link
JOIN shortlinks_contact AS contact ON contact.id = link.contact_id
WHERE link.code = ANY(%(keys)s) AND link.disabled_at IS NULL
"""
SELECT_ACCOUNTS = """
SELECT id, forward_query, respect_gpc, address_mask, office_networks, pixel_mode
FROM shortlinks_account WHERE id = ANY(%(keys)s) AND is_active
"""


class LinkStore:
    """Reads what processes do not have cached; fails when no store can tell."""

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
        """The live links among these codes whose targets today's rules allow."""
        found = await self._read_through(
            codes, CachedLink, redis_cache.link_key, self._select_links
        )
        return {
            code: link
            for code, link in found.items()
            if urls.is_still_allowed(link.target, self._policy)
        }

    async def accounts(self, ids: Sequence[int]) -> dict[int, CachedAccount]:
        return await self._read_through(
            ids, CachedAccount, redis_cache.account_key, self._select_accounts
        )

    async def _read_through(
        self,
        keys: Sequence[K],
        kind: type[V],
        name: Callable[[K], str],
        select: Callable[[Sequence[K]], Awaitable[dict[K, V]]],
    ) -> dict[K, V]:
        found, missing = await self._cached(keys, kind, name)
        if missing:
            stored = await select(missing)
            await self._write_back({name(key): v for key, v in stored.items()})
            found |= stored
        return found

    async def _cached(
        self, keys: Sequence[K], kind: type[V], name: Callable[[K], str]
    ) -> tuple[dict[K, V], list[K]]:
        """What Redis has, and the keys it knows nothing of."""
        if self._cache_breaker.is_open:
            return {}, list(keys)
        try:
            values = await self._cache.mget([name(key) for key in keys])
        except redis.RedisError as error:
            self._cache_breaker.trip(error)
            return {}, list(keys)
        found = {
            key: msgspec.json.decode(value, type=kind)
            for key, value in zip(keys, values, strict=True)
            if value is not None and value != redis_cache.TOMBSTONE
        }
        return found, [k for k, v in zip(keys, values, strict=True) if v is None]

    async def _write_back(
        self, values: dict[str, CachedLink] | dict[str, CachedAccount]
    ) -> None:
        """Fill Redis, but never over what a change of the row has put there."""
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
            code: CachedLink(id_, account_id, target, expires_at, consent.CODES[said])
            for code, id_, account_id, target, expires_at, said in rows
        }

    async def _select_accounts(self, ids: Sequence[int]) -> dict[int, CachedAccount]:
        rows = await self._select(SELECT_ACCOUNTS, ids)
        return {
            id_: CachedAccount(forward_query, respect_gpc, mask, tuple(offices), mode)
            for id_, forward_query, respect_gpc, mask, offices, mode in rows
        }

    async def _select(self, query: str, keys: Iterable[object]) -> list[Row]:
        return await self._database.execute(query, {"keys": list(keys)})
