"""What happens later, elsewhere, again: one domain call each (DESIGN 5).

The messages carry nothing. A task that is lost, doubled or late does no harm, for
the rows remember what is left to do and beat rings again.
"""

import logging
import time

from celery import shared_task

from shortlinks.domain import link_changes, redemptions, upkeep, visits
from shortlinks.observability import metrics

logger = logging.getLogger(__name__)

FOLLOW_UP_SECONDS = 20.0


@shared_task
def follow_up_visits() -> None:
    """Follow up until nothing is due; after 20 s another message goes on."""
    deadline = time.monotonic() + FOLLOW_UP_SECONDS
    followed_up = 0
    while time.monotonic() < deadline:
        done = visits.follow_up()
        _count(done)
        followed_up += done.claimed
        if done.claimed < visits.BATCH:
            break
    else:
        follow_up_visits.delay()
    _count(redemptions.follow_up())
    if followed_up:
        logger.info("visits followed up: %d", followed_up)


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


def _count(done: visits.FollowedUp) -> None:
    for verdict, count in done.verdicts.items():
        metrics.followed_up.labels(verdict).inc(count)
    for verdict, count in done.revised.items():
        metrics.visits_revised.labels(verdict).inc(count)
    metrics.notes.labels("written").inc(done.notes.new)
    metrics.notes.labels("extended").inc(done.notes.changed)
    metrics.notes.labels("withdrawn").inc(done.notes.withdrawn)
    metrics.follow_ups_failed.labels("put_off").inc(done.put_off)
    metrics.follow_ups_failed.labels("set_aside").inc(done.set_aside)
