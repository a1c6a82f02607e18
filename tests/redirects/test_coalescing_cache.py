import asyncio
from collections.abc import Sequence

import pytest

from shortlinks.redirects.coalescing_cache import (
    CoalescingCache,
    Incomplete,
    Unavailable,
)


class Store:
    """Has a value for even numbers, and records the lookups."""

    def __init__(self) -> None:
        self.lookups: list[list[int]] = []
        self.is_unavailable = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def fetch(self, keys: Sequence[int]) -> dict[int, str]:
        self.lookups.append(list(keys))
        await self.gate.wait()
        if self.is_unavailable:
            raise ConnectionError
        return {key: f"value {key}" for key in keys if key % 2 == 0}


def cache(
    store: Store, *, seconds: float = 60, size: int = 100
) -> CoalescingCache[int, str]:
    return CoalescingCache(store.fetch, kind=str, seconds=seconds, size=size)


def test_cache_looks_up_waiting_keys_together() -> None:
    async def scenario() -> list[list[int]]:
        store = Store()
        numbers = cache(store)
        store.gate.clear()
        waiting = [asyncio.create_task(numbers.get(2))]
        await asyncio.sleep(0.01)
        waiting += [asyncio.create_task(numbers.get(n)) for n in (4, 6, 4, 7)]
        await asyncio.sleep(0.01)
        store.gate.set()
        found = await asyncio.gather(*waiting)
        assert found == ["value 2", "value 4", "value 6", "value 4", None]
        return store.lookups

    assert asyncio.run(scenario()) == [[2], [4, 6, 7]]


def test_cache_keeps_found_keys_and_looks_up_missing_ones_again() -> None:
    async def scenario() -> None:
        store = Store()
        numbers = cache(store)
        await asyncio.gather(numbers.get(2), numbers.get(3))

        assert numbers.get_fresh(2) == "value 2"
        assert numbers.get_fresh(3) is None
        await numbers.get(3)
        assert store.lookups == [[2, 3], [3]]

    asyncio.run(scenario())


def test_cache_returns_an_old_value_while_the_store_is_unavailable() -> None:
    async def scenario() -> None:
        store = Store()
        numbers = cache(store, seconds=0)
        await numbers.get(2)
        store.is_unavailable = True

        assert numbers.get_fresh(2) is None
        assert await numbers.get(2) == "value 2"
        with pytest.raises(Unavailable):
            await numbers.get(4)

        store.is_unavailable = False
        assert await numbers.get(4) == "value 4"

    asyncio.run(scenario())


def test_cache_returns_what_an_incomplete_lookup_found() -> None:
    async def fetch(keys: Sequence[int]) -> dict[int, str]:
        raise Incomplete({2: "value 2"}) from ConnectionError()

    async def scenario() -> None:
        numbers = CoalescingCache(fetch, kind=str, seconds=60, size=100)

        found, missing = await asyncio.gather(
            numbers.get(2), numbers.get(4), return_exceptions=True
        )

        assert (found, type(missing)) == ("value 2", Unavailable)
        assert numbers.get_fresh(2) == "value 2"

    asyncio.run(scenario())


def test_cache_completes_a_lookup_if_one_waiter_is_cancelled() -> None:
    async def scenario() -> str | None:
        store = Store()
        numbers = cache(store)
        store.gate.clear()
        first = asyncio.create_task(numbers.get(2))
        second = asyncio.create_task(numbers.get(2))
        await asyncio.sleep(0.01)
        first.cancel()
        store.gate.set()
        return await second

    assert asyncio.run(scenario()) == "value 2"


def test_cache_deletes_the_oldest_keys_if_it_is_full() -> None:
    async def scenario() -> None:
        numbers = cache(Store(), size=3)
        for key in (0, 2, 4, 6):
            await numbers.get(key)

        assert [numbers.get_fresh(key) is not None for key in (0, 2, 4, 6)] == [
            False,
            True,
            True,
            True,
        ]

    asyncio.run(scenario())
