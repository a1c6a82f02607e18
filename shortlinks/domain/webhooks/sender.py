"""Concurrent sending of due deliveries, so that no receiver waits for another."""

import logging
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import TracebackType

from shortlinks.domain.webhooks import (
    deliveries,
    events,
    failures,
    http_client,
    secret_encryption,
)
from shortlinks.domain.webhooks.deliveries import ClaimedDelivery
from shortlinks.domain.webhooks.http_client import Message
from shortlinks.domain.webhooks.retry_policy import Outcome

logger = logging.getLogger(__name__)

THREADS = 32
# Limits how long new deliveries wait while others are under way.
POLL_INTERVAL_SECONDS = 0.25

Attempt = Future[Outcome]


class Sender:
    """A sender of requests in threads. Only the caller's thread uses the database.

    `__exit__` waits for requests under way, whose duration `http_client` limits.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="webhook")
        self._in_progress: dict[Attempt, ClaimedDelivery] = {}
        self.accepted = self.failed = 0

    def __enter__(self) -> "Sender":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self._record(wait(self._in_progress).done)
        # Otherwise the leases expire, and unrecorded deliveries are sent again.
        self._pool.shutdown(cancel_futures=True)

    def step(self) -> bool:
        """Send due deliveries and record finished ones; return False without any."""
        for claimed in deliveries.claim(THREADS - len(self._in_progress)):
            self._in_progress[self._pool.submit(_attempt, claimed)] = claimed
        if not self._in_progress:
            return False
        finished = wait(self._in_progress, POLL_INTERVAL_SECONDS, FIRST_COMPLETED)
        self._record(finished.done)
        return True

    def _record(self, attempts: Iterable[Attempt]) -> None:
        claims = [(attempt, self._in_progress.pop(attempt)) for attempt in attempts]
        if claims:
            outcomes = [
                (claimed, _outcome(attempt, claimed)) for attempt, claimed in claims
            ]
            deliveries.record(outcomes)
            accepted = sum(outcome.is_success for _, outcome in outcomes)
            self.accepted += accepted
            self.failed += len(outcomes) - accepted


def _attempt(claimed: ClaimedDelivery) -> Outcome:
    content_type, body = events.render(claimed.event, claimed.payload_data)
    return http_client.send(
        Message(
            destination=claimed.destination,
            secret=secret_encryption.decrypt(claimed.secret),
            event_id=claimed.event_id,
            content_type=content_type,
            body=body,
        )
    )


def _outcome(attempt: Attempt, claimed: ClaimedDelivery) -> Outcome:
    """Return the outcome; an internal error, such as a missing key, is a failure."""
    error = attempt.exception()
    if error is None:
        return attempt.result()
    logger.error("delivery %d could not be sent", claimed.id, exc_info=error)
    return Outcome(error=failures.INTERNAL, is_our_fault=True)
