"""The bell: one message for a burst of visits, and nobody waits for it (DESIGN 5)."""

import asyncio
import logging
from collections.abc import Callable

from shortlinks.observability import request_ids

logger = logging.getLogger(__name__)

# A broker that fails is left alone for a while; the sweep finds the rows.
RETRY_DELAY_SECONDS = 5.0


class DebouncedNotifier:
    """Rings when a burst's first visits have settled, and again for those after."""

    def __init__(self, notify: Callable[[], object], *, settle: float) -> None:
        self._notify = notify
        self._settle = settle
        self._timer: asyncio.TimerHandle | None = None
        self._more_came = False
        self._notifying: asyncio.Future[None] | None = None
        self.sent = self.failed = 0

    def visits_committed(self, count: int) -> None:
        if not count:
            return
        if self._timer is None:
            self._wait(self._settle)
        else:  # not settled yet when the bell rings for the first
            self._more_came = True

    def _wait(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(seconds, self._start_notifying)

    def _start_notifying(self) -> None:
        self._timer = None
        if self._more_came or self._notifying is not None:
            self._more_came = False
            self._wait(self._settle)
        if self._notifying is not None:  # the broker is slow: next time
            return
        loop = asyncio.get_running_loop()
        self._notifying = loop.run_in_executor(None, self._try_notify)
        self._notifying.add_done_callback(self._record_sent)

    def _try_notify(self) -> None:
        with request_ids.bound(request_ids.new()):  # the burst's
            self._notify()

    def _record_sent(self, notifying: "asyncio.Future[None]") -> None:
        self._notifying = None
        if not (error := notifying.exception()):
            self.sent += 1
        else:
            self.failed += 1
            logger.warning("the bell was not heard: %r", error)
            if self._timer is not None:
                self._timer.cancel()
            self._wait(RETRY_DELAY_SECONDS)

    async def close(self) -> None:
        """Ring for what was committed last."""
        if self._timer is not None:
            self._timer.cancel()
            self._start_notifying()
        if self._notifying is not None:
            await asyncio.wait({self._notifying})
