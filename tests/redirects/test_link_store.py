"""Lookups of links in Redis and Postgres, counted by statements."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
import redis.asyncio as redis
from django.conf import settings
from django.utils import timezone

from shortlinks.domain import redis_client
from shortlinks.domain.circuit_breaker import CircuitBreaker
from shortlinks.domain.links import redis_cache, short_links, urls
from shortlinks.domain.links.redis_cache import CachedLink
from shortlinks.domain.postgres import queries
from shortlinks.models import Account, ShortLink
from shortlinks.redirects.coalescing_cache import CoalescingCache, Unavailable
from shortlinks.redirects.database import Connection, GuardedConnection, Row
from shortlinks.redirects.link_store import LinkStore
from tests import factories

UNKNOWN = "AbcdefGHJKLm"


class Counting(redis.Redis):
    """A client that notes which links it was asked for."""

    asked: list[str]

    async def mget(self, keys: Any, *args: Any) -> list[Any]:
        self.asked += [f"redis {key.rpartition(':')[2]}" for key in keys]
        found: list[Any] = await super().mget(keys, *args)
        return found


class CountingDatabase(GuardedConnection):
    asked: list[str]

    async def execute(
        self, query: str, parameters: Mapping[str, Any] | None = None
    ) -> list[Row]:
        self.asked += [f"postgres {key}" for key in (parameters or {})["keys"]]
        return await super().execute(query, parameters)


Links = CoalescingCache[str, CachedLink]


def run(
    scenario: Callable[[Links, list[str], CircuitBreaker], Awaitable[None]],
) -> None:
    """Run with links from both stores, a log of lookups, and Postgres' breaker."""

    async def with_stores() -> None:
        asked: list[str] = []
        is_back = threading.Event()
        breaker = CircuitBreaker("Postgres", is_back.wait)
        database = CountingDatabase(Connection(queries.conninfo(), timeout=5), breaker)
        cache: Any = Counting.from_url(settings.REDIS_URL)
        database.asked = cache.asked = asked
        store = LinkStore(database, cache, redis_client.breaker, urls.policy())
        links = CoalescingCache(store.links, kind=CachedLink, seconds=60, size=9)
        try:
            await scenario(links, asked, breaker)
        finally:
            is_back.set()
            await database.close()
            await cache.aclose()

    asyncio.run(with_stores())


def ended(account: Account, way: str) -> str:
    """Return the code of a link that was live, cached, and has ended."""
    link = factories.link(factories.contact(account))
    redis_cache.refresh([link])
    ENDS[way](link)
    return link.code


def _expire(link: ShortLink) -> None:
    short_links.set_expiry(link, timezone.now() - timedelta(seconds=1))


def _expire_in_redis(link: ShortLink) -> None:
    """Leave the entry in Redis that was written before the link expired."""
    link.expires_at = timezone.now() - timedelta(seconds=1)
    link.save()
    redis_cache.write({link.code: redis_cache.from_link(link)})


ENDS: dict[str, Callable[[ShortLink], object]] = {
    "disabled": short_links.disable,
    "expired": _expire,
    "expired in Redis": _expire_in_redis,
}


@pytest.mark.parametrize("way", ENDS)
def test_ended_link_is_looked_up_like_an_unknown_one(
    account: Account, way: str
) -> None:
    code = ended(account, way)

    async def scenario(links: Links, asked: list[str], _: CircuitBreaker) -> None:
        for each in (UNKNOWN, code, UNKNOWN, code):
            asked.clear()
            assert await links.get(each) is None
            assert asked == [f"redis {each}", f"postgres {each}"]

    run(scenario)


def test_live_link_is_found_without_postgres(link: ShortLink) -> None:
    redis_cache.refresh([link])

    async def scenario(links: Links, asked: list[str], _: CircuitBreaker) -> None:
        assert await links.get(link.code) == redis_cache.from_link(link)
        assert asked == [f"redis {link.code}"]

    run(scenario)


def test_unknown_codes_do_not_hide_cached_links_while_postgres_is_unavailable(
    link: ShortLink, account: Account
) -> None:
    redis_cache.refresh([link])
    disabled = ended(account, "disabled")

    async def scenario(links: Links, asked: list[str], breaker: CircuitBreaker) -> None:
        breaker.trip(ConnectionError("stopped by the test"))

        unknown, gone, found = await asyncio.gather(
            *(links.get(code) for code in (UNKNOWN, disabled, link.code)),
            return_exceptions=True,
        )

        assert (type(unknown), type(gone)) == (Unavailable, Unavailable)
        assert found == redis_cache.from_link(link)

    run(scenario)


def test_flood_of_unknown_and_ended_codes_takes_one_statement(
    account: Account,
) -> None:
    codes = [UNKNOWN, *(ended(account, way) for way in ENDS)]

    async def scenario(links: Links, asked: list[str], _: CircuitBreaker) -> None:
        await asyncio.gather(*(links.get(code) for code in codes * 100))

        assert len(asked) == 2 * len(codes)

    run(scenario)
