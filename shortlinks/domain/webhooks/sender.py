"""Sending what is due: many receivers at a time, and none waits for a slow one."""

import logging
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import TracebackType

from django.conf import settings

from shortlinks.domain.webhooks import (
    deliveries,
    http_client,
    payloads,
    secret_encryption,
)
from shortlinks.domain.webhooks.deliveries import ClaimedDelivery
from shortlinks.domain.webhooks.http_client import Message
from shortlinks.domain.webhooks.retry_policy import Outcome

logger = logging.getLogger(__name__)

THREADS = 32
# How long new deliveries may wait while others are under way.
POLL_INTERVAL_SECONDS = 0.25

Attempt = Future[Outcome]


class Sender:
    """Threads wait for the receivers; the tables are for the thread that made it.

    On leaving it waits for what is under way, which has an end (see `transport`).
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="webhook")
        self._under_way: dict[Attempt, ClaimedDelivery] = {}
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
            self._record(wait(self._under_way).done)
        # else the leases end, and what was not recorded is sent again
        self._pool.shutdown(cancel_futures=True)

    def step(self) -> bool:
        """Send more of what is due, record what came back; False if there was none."""
        for claimed in deliveries.claim(THREADS - len(self._under_way)):
            self._under_way[self._pool.submit(_attempt, claimed)] = claimed
        if not self._under_way:
            return False
        came_back = wait(self._under_way, POLL_INTERVAL_SECONDS, FIRST_COMPLETED)
        self._record(came_back.done)
        return True

    def _record(self, attempts: Iterable[Attempt]) -> None:
        claims = [(attempt, self._under_way.pop(attempt)) for attempt in attempts]
        if claims:
            outcomes = [
                (claimed, _outcome(attempt, claimed)) for attempt, claimed in claims
            ]
            deliveries.record(outcomes)
            accepted = sum(outcome.is_success for _, outcome in outcomes)
            self.accepted += accepted
            self.failed += len(outcomes) - accepted


def _attempt(claimed: ClaimedDelivery) -> Outcome:
    return http_client.send(
        Message(
            destination=claimed.destination,
            secret=secret_encryption.decrypt(claimed.secret),
            event_id=claimed.event_id,
            content_type=payloads.CONTENT_TYPE,
            body=payloads.render(
                claimed.event, claimed.payload_data, base_url=settings.BASE_URL
            ),
        )
    )


def _outcome(attempt: Attempt, claimed: ClaimedDelivery) -> Outcome:
    """A fault of ours, such as a key that is gone, counts as a failed attempt."""
    error = attempt.exception()
    if error is None:
        return attempt.result()
    logger.error("delivery %d could not be sent", claimed.id, exc_info=error)
    said = f"Our fault: {error!r}"[: http_client.MAX_ERROR_LENGTH]
    return Outcome(error=said, is_our_fault=True)
