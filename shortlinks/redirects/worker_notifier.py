"""Notify the worker of new visits in the background, with one message for many."""

import asyncio
import logging
from collections.abc import Callable

from shortlinks.observability import request_ids

logger = logging.getLogger(__name__)

# After a failure, the sweep finds the visits meanwhile.
RETRY_DELAY_SECONDS = 5.0


class DebouncedNotifier:
    """Notifies when the first new visits are due, and again for later ones."""

    def __init__(self, notify: Callable[[], object], *, delay: float) -> None:
        self._notify = notify
        self._delay = delay
        self._timer: asyncio.TimerHandle | None = None
        self._more_arrived = False
        self._notifying: asyncio.Future[None] | None = None
        self.sent = self.failed = 0

    def visits_committed(self, count: int) -> None:
        if not count:
            return
        if self._timer is None:
            self._notify_after(self._delay)
        else:  # not due yet when the worker is notified of the first ones
            self._more_arrived = True

    def _notify_after(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(seconds, self._start_notifying)

    def _start_notifying(self) -> None:
        self._timer = None
        if self._more_arrived or self._notifying is not None:
            self._more_arrived = False
            self._notify_after(self._delay)
        if self._notifying is not None:  # the broker is slow
            return
        loop = asyncio.get_running_loop()
        self._notifying = loop.run_in_executor(None, self._try_notify)
        self._notifying.add_done_callback(self._record_sent)

    def _try_notify(self) -> None:
        with request_ids.bound(request_ids.new()):  # one for all these visits
            self._notify()

    def _record_sent(self, notifying: "asyncio.Future[None]") -> None:
        self._notifying = None
        if not (error := notifying.exception()):
            self.sent += 1
        else:
            self.failed += 1
            logger.warning("the worker was not notified: %r", error)
            if self._timer is not None:
                self._timer.cancel()
            self._notify_after(RETRY_DELAY_SECONDS)

    async def close(self) -> None:
        """Notify the worker of the last visits."""
        if self._timer is not None:
            self._timer.cancel()
            self._start_notifying()
        if self._notifying is not None:
            await asyncio.wait({self._notifying})
