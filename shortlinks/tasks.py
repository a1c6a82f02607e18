"""What happens later, elsewhere, again: one domain call each (DESIGN 5).

The messages carry nothing. A task that is lost, doubled or late does no harm, for
the rows remember what is left to do and beat rings again.
"""

import logging
import time
from typing import Any

from celery import Task, shared_task
from kombu.exceptions import OperationalError

from shortlinks.domain import (
    backlog,
    forgetting,
    import_batches,
    imports,
    link_changes,
    redemptions,
    sums,
    upkeep,
    visits,
)
from shortlinks.domain.merging import checks
from shortlinks.domain.webhooks import deliveries, subscriptions
from shortlinks.domain.webhooks.sender import Sender
from shortlinks.observability import metrics

logger = logging.getLogger(__name__)

FOLLOW_UP_SECONDS = 20.0
FORGET_SECONDS = 30.0
# With the longest attempt after it still within the task's time limit.
DELIVER_SECONDS = 20.0
SUM_SECONDS = 20.0
IMPORT_SECONDS = 20.0


@shared_task
def follow_up_visits() -> None:
    """Follow up until nothing is due; after 20 s another message goes on."""
    deadline = time.monotonic() + FOLLOW_UP_SECONDS
    done: list[visits.FollowedUp] = []

    def goes_on() -> bool:
        return time.monotonic() < deadline

    def on_done(batch: visits.FollowedUp) -> None:
        _count(batch)
        done.append(batch)

    backlog.follow_up(goes_on=goes_on, on_done=on_done)
    if not goes_on():
        follow_up_visits.delay()
    followed_up = sum(batch.claimed for batch in done)
    told = sum(batch.notes.told for batch in done)
    redeemed = redemptions.follow_up()
    _count(redeemed)
    told += redeemed.notes.told
    look_at_merges(deadline)
    if followed_up:
        logger.info("visits followed up: %d", followed_up)
    if told:
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
    metrics.webhooks_sent.labels("accepted").inc(sender.accepted)
    metrics.webhooks_sent.labels("failed").inc(sender.failed)
    if sent := sender.accepted + sender.failed:
        logger.info("webhooks sent: %d, %d of them in vain", sent, sender.failed)


def ring_for_webhooks() -> None:
    _ring(deliver_webhooks, "webhooks")


def _ring(task: Task[Any, Any], waiting: str) -> None:
    """For who serves a client: if nobody hears the bell, beat rings soon."""
    try:
        task.delay()
    except OperationalError as error:
        logger.warning("%s wait for beat: %r", waiting, error)


@shared_task
def keep_webhooks() -> None:
    deliveries.drop_old()
    subscriptions.seal_anew()


@shared_task
def go_on_with_imports() -> None:
    """Batch after batch; after 20 s another message goes on, with the next in turn."""
    deadline = time.monotonic() + IMPORT_SECONDS
    while time.monotonic() < deadline:
        if not import_batches.go_on(lambda: time.monotonic() < deadline):
            break
    else:
        go_on_with_imports.delay()


def ring_for_imports() -> None:
    _ring(go_on_with_imports, "imports")


@shared_task
def keep_imports() -> None:
    imports.drop_old()


def look_at_merges(deadline: float) -> None:
    """What the opens that were just followed up, and chats before them, lead to."""
    while time.monotonic() < deadline and checks.look() == checks.AT_ONCE:
        pass


@shared_task
def sum_counts() -> None:
    """For the administrators' numbers; what is left after 20 s waits for beat."""
    sums.keep_up(time.monotonic() + SUM_SECONDS)


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


@shared_task
def forget_visit_details() -> None:
    """What one run does not get done, the next does, an hour later."""
    deadline = time.monotonic() + FORGET_SECONDS
    forgotten = 0
    for changed in forgetting.forget():
        forgotten += changed
        if time.monotonic() > deadline:
            break
    if forgotten:
        logger.info("visits whose details were forgotten: %d", forgotten)


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
