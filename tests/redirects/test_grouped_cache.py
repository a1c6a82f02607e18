import asyncio
from collections.abc import Sequence

import pytest

from shortlinks.redirects.coalescing_cache import CoalescingCache, Unavailable


class Store:
    """Knows the even numbers; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.is_away = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def fetch(self, keys: Sequence[int]) -> dict[int, str]:
        self.asked.append(list(keys))
        await self.gate.wait()
        if self.is_away:
            raise ConnectionError
        return {key: f"value {key}" for key in keys if key % 2 == 0}


def cache(
    store: Store, *, seconds: float = 60, size: int = 100
) -> CoalescingCache[int, str]:
    return CoalescingCache(store.fetch, kind=str, seconds=seconds, size=size)


def test_misses_wait_together_one_lookup_at_a_time() -> None:
    async def story() -> list[list[int]]:
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
        return store.asked

    assert asyncio.run(story()) == [[2], [4, 6, 7]]


def test_what_was_found_stays_fresh_and_what_was_not_is_asked_again() -> None:
    async def story() -> None:
        store = Store()
        numbers = cache(store)
        await asyncio.gather(numbers.get(2), numbers.get(3))

        assert numbers.get_fresh(2) == "value 2"
        assert numbers.get_fresh(3) is None
        await numbers.get(3)
        assert store.asked == [[2, 3], [3]]

    asyncio.run(story())


def test_an_old_value_serves_while_the_store_is_away() -> None:
    async def story() -> None:
        store = Store()
        numbers = cache(store, seconds=0)
        await numbers.get(2)
        store.is_away = True

        assert numbers.get_fresh(2) is None
        assert await numbers.get(2) == "value 2"
        with pytest.raises(Unavailable):
            await numbers.get(4)

        store.is_away = False
        assert await numbers.get(4) == "value 4"

    asyncio.run(story())


def test_who_goes_away_cancels_nobodys_lookup() -> None:
    async def story() -> str | None:
        store = Store()
        numbers = cache(store)
        store.gate.clear()
        first = asyncio.create_task(numbers.get(2))
        second = asyncio.create_task(numbers.get(2))
        await asyncio.sleep(0.01)
        first.cancel()
        store.gate.set()
        return await second

    assert asyncio.run(story()) == "value 2"


def test_the_oldest_go_when_it_is_full() -> None:
    async def story() -> None:
        numbers = cache(Store(), size=3)
        for key in (0, 2, 4, 6):
            await numbers.get(key)

        assert [numbers.get_fresh(key) is not None for key in (0, 2, 4, 6)] == [
            False,
            True,
            True,
            True,
        ]

    asyncio.run(story())
