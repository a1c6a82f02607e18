"""A cache that looks up all its missing keys together, one lookup at a time."""

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
    """The lookup failed, and there is no old value."""


class Incomplete(Exception, Generic[K, V]):
    """The lookup failed for all keys but those that were found."""

    def __init__(self, found: dict[K, V]) -> None:
        super().__init__(f"{len(found)} keys were found")
        self.found = found


class CoalescingCache(Generic[K, V]):
    """Values by key for a short time; `fetch` omits keys that do not exist.

    Missing keys are not cached. If `fetch` fails, or raises Incomplete, old values are
    returned. Values are stored packed, which needs a third less memory and 0.2 µs more.
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
        # A value is stored with the time when it stops being fresh.
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
        """Return the value, or None if it does not exist; raise Unavailable."""
        waiter = self._waiting.get(key)
        if waiter is None:
            waiter = asyncio.get_running_loop().create_future()
            self._waiting[key] = waiter
            if self._lookup is None:
                self._lookup = asyncio.create_task(self._load_pending())
        # A visitor who disconnects must not cancel the lookup of the others.
        return await asyncio.shield(waiter)

    async def _load_pending(self) -> None:
        try:
            while self._waiting:
                keys = list(itertools.islice(self._waiting, MAX_BATCH_SIZE))
                await self._load(keys)
        finally:
            self._lookup = None

    async def _load(self, keys: Sequence[K]) -> None:
        found: dict[K, V] = {}
        is_complete = False
        try:
            found = await self._fetch(keys)
            is_complete = True
        except Incomplete as error:
            found = error.found
            logger.warning("lookup of %d keys failed: %r", len(keys), error.__cause__)
        except Exception as error:  # noqa: BLE001  any error means unavailable
            logger.warning("lookup of %d keys failed: %r", len(keys), error)
        for key in keys:
            is_known = is_complete or key in found
            self._settle(self._waiting.pop(key), key, found if is_known else None)

    def _settle(
        self, waiter: asyncio.Future[V | None], key: K, found: dict[K, V] | None
    ) -> None:
        if found is None:
            stale = self._entries.get(key)
            if stale is not None:
                waiter.set_result(self._unpacker.decode(stale)[1])
            else:
                waiter.set_exception(Unavailable())
                waiter.exception()  # so that asyncio does not log it
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
