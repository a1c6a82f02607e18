"""A switch that stops calls to an unavailable store until a probe succeeds."""

import logging
import threading
import time
from collections.abc import Callable

logger = logging.getLogger(__name__)

PROBE_INTERVAL_SECONDS = 0.5


class StoreUnavailable(ConnectionError):
    """The circuit breaker is open, so the store was not called."""


class CircuitBreaker:
    """A breaker that opens at the first failure, until a probe of the store succeeds.

    A thread probes, so that no request waits for it. A child of a fork has no thread,
    so its breaker is closed. The thread waits before its first probe: a store that
    fails although its probe succeeds is called twice a second at most. `on_change` is
    called in the thread, with 1 for open and 0 for closed.
    """

    def __init__(
        self,
        store: str,
        probe: Callable[[], object],
        on_change: Callable[[int], object] = bool,
    ) -> None:
        self._store = store
        self._probe = probe
        self._on_change = on_change
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self.last_error = ""  # the name of the exception that opened it last

    @property
    def is_open(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def trip(self, error: BaseException) -> None:
        """Open the breaker because of this error, if it is not open already."""
        with self._lock:
            if self.is_open:
                return
            self.last_error = type(error).__name__
            self._thread = threading.Thread(target=self._wait_for_store, daemon=True)
            self._start(self._thread)
        logger.warning("%s is unavailable: %r", self._store, error)

    def _start(self, thread: threading.Thread) -> None:
        """Start the thread. If the system has none left, the breaker stays closed."""
        try:
            thread.start()
        except RuntimeError as error:
            logger.warning("%s is not probed: %s", self._store, error)

    def _wait_for_store(self) -> None:
        self._on_change(1)
        while not self._is_available():
            pass
        logger.warning("%s is available again", self._store)
        self._on_change(0)

    def _is_available(self) -> bool:
        time.sleep(PROBE_INTERVAL_SECONDS)
        try:
            self._probe()
        except Exception as error:  # noqa: BLE001  any error means unavailable
            logger.debug("%s is still unavailable: %r", self._store, error)
            return False
        return True
