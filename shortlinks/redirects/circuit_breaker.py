"""A circuit breaker: a store that hangs costs one batch, and not each."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

logger = logging.getLogger(__name__)

PROBE_INTERVAL_SECONDS = 0.5


class StoreUnavailable(ConnectionError):
    """The store was away a moment ago; nobody asked it this time."""


class CircuitBreaker:
    """Opens at the first failure; closes when a probe in the background succeeds.

    No visitor is ever the probe.
    """

    def __init__(self, name: str, probe: Callable[[], Awaitable[object]]) -> None:
        self.is_open = False
        self._name = name
        self._probe = probe
        self._probing: asyncio.Task[None] | None = None

    def trip(self, error: BaseException) -> None:
        if self.is_open:
            return
        logger.warning("%s is away: %r", self._name, error)
        self.is_open = True
        self._probing = asyncio.create_task(self._probe_until_available())

    async def close(self) -> None:
        if self._probing is not None:
            self._probing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._probing

    async def _probe_until_available(self) -> None:
        while self.is_open:
            await asyncio.sleep(PROBE_INTERVAL_SECONDS)
            try:
                await self._probe()
            except Exception as error:  # noqa: BLE001  whatever it is, it is not back
                logger.debug("%s is still away: %r", self._name, error)
            else:
                logger.warning("%s is back", self._name)
                self.is_open = False
