"""What happens later, elsewhere, again: one domain call each (DESIGN 5).

The messages carry nothing. A task that is lost, doubled or late does no harm, for
the rows remember what is left to do and beat rings again.
"""

import logging
import time

from celery import shared_task

from shortlinks.domain import link_changes, upkeep, visits
from shortlinks.domain.webhooks import deliveries, subscriptions
from shortlinks.domain.webhooks.sender import Sender

logger = logging.getLogger(__name__)

FOLLOW_UP_SECONDS = 20.0
# With the longest attempt after it still within the task's time limit.
DELIVER_SECONDS = 20.0


@shared_task
def follow_up_visits() -> None:
    """Follow up until nothing is due; after 20 s another message goes on."""
    deadline = time.monotonic() + FOLLOW_UP_SECONDS
    followed_up = 0
    while time.monotonic() < deadline:
        claimed = visits.follow_up()
        followed_up += claimed
        if claimed < visits.BATCH:
            break
    else:
        follow_up_visits.delay()
    if followed_up:
        logger.info("visits followed up: %d", followed_up)
        if deliveries.is_any_due():
            deliver_webhooks.delay()


@shared_task
def deliver_webhooks() -> None:
    """Send until nothing is due; after 20 s another message goes on.

    It is sent before the slowest receivers are waited for, so that others need not be.
    """
    deadline = time.monotonic() + DELIVER_SECONDS
    with Sender() as sender:
        while time.monotonic() < deadline:
            if not sender.step():
                break
        else:
            deliver_webhooks.delay()
    if sender.sent:
        logger.info("webhooks sent: %d", sender.sent)


@shared_task
def keep_webhooks() -> None:
    deliveries.drop_old()
    subscriptions.seal_anew()


@shared_task
def publish_link_changes() -> None:
    """Redis may have been away when a link was disabled."""
    link_changes.publish()


@shared_task
def beat_heart() -> None:
    upkeep.beat_heart()


@shared_task
def maintain_partitions() -> None:
    upkeep.add_visit_partitions()


@shared_task
def drop_old_source_keys() -> None:
    upkeep.drop_old_source_keys()
