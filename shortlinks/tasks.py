"""What happens later, elsewhere, again: one domain call each (DESIGN 5).

The messages carry nothing. A task that is lost, doubled or late does no harm, for
the rows remember what is left to do and beat rings again.
"""

import logging
import time
from typing import Any

from celery import Task, shared_task
from kombu.exceptions import OperationalError

from shortlinks.domain.imports import batches, lifecycle
from shortlinks.domain.links import cache_sync
from shortlinks.domain.merging import queue
from shortlinks.domain.reports import rollups
from shortlinks.domain.visits import (
    click_processing,
    parallel,
    partitions,
    processing,
    retention,
)
from shortlinks.domain.webhooks import deliveries, subscriptions
from shortlinks.domain.webhooks.sender import Sender
from shortlinks.observability import metrics

logger = logging.getLogger(__name__)

PROCESS_SECONDS = 20.0
REDACT_SECONDS = 30.0
# With the longest attempt after it still within the task's time limit.
DELIVER_SECONDS = 20.0
ROLLUP_SECONDS = 20.0
IMPORT_SECONDS = 20.0


@shared_task
def process_visits() -> None:
    """Follow up until nothing is due; after 20 s another message goes on."""
    deadline = time.monotonic() + PROCESS_SECONDS
    done: list[processing.ProcessingResult] = []

    def should_continue() -> bool:
        return time.monotonic() < deadline

    def on_batch(batch: processing.ProcessingResult) -> None:
        _count(batch)
        done.append(batch)

    parallel.process_in_parallel(should_continue=should_continue, on_batch=on_batch)
    if not should_continue():
        process_visits.delay()
    followed_up = sum(batch.claimed for batch in done)
    told = sum(batch.notes.deliveries for batch in done)
    redeemed = click_processing.process_due()
    _count(redeemed)
    told += redeemed.notes.deliveries
    process_merge_checks(deadline)
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


def enqueue_webhooks() -> None:
    _enqueue(deliver_webhooks, "webhooks")


def _enqueue(task: Task[Any, Any], waiting: str) -> None:
    """For who serves a client: if nobody hears the bell, beat rings soon."""
    try:
        task.delay()
    except OperationalError as error:
        logger.warning("%s wait for beat: %r", waiting, error)


@shared_task
def maintain_webhooks() -> None:
    deliveries.purge()
    subscriptions.reencrypt_secrets()


@shared_task
def run_imports() -> None:
    """Batch after batch; after 20 s another message goes on, with the next in turn."""
    deadline = time.monotonic() + IMPORT_SECONDS
    while time.monotonic() < deadline:
        if not batches.run_next(lambda: time.monotonic() < deadline):
            break
    else:
        run_imports.delay()


def enqueue_imports() -> None:
    _enqueue(run_imports, "imports")


@shared_task
def purge_imports() -> None:
    lifecycle.purge()


def process_merge_checks(deadline: float) -> None:
    """What the opens that were just followed up, and chats before them, lead to."""
    while time.monotonic() < deadline and queue.process_due() == queue.BATCH_SIZE:
        pass


@shared_task
def update_rollups() -> None:
    """For the administrators' numbers; what is left after 20 s waits for beat."""
    rollups.update(time.monotonic() + ROLLUP_SECONDS)


@shared_task
def sync_link_cache() -> None:
    """Redis may have been away when a link was disabled."""
    cache_sync.sync_changes()


@shared_task
def record_heartbeat() -> None:
    partitions.record_worker_heartbeat()


@shared_task
def create_partitions() -> None:
    partitions.create_partitions()


@shared_task
def delete_expired_salts() -> None:
    partitions.delete_expired_salts()


@shared_task
def redact_visits() -> None:
    """What one run does not get done, the next does, an hour later."""
    deadline = time.monotonic() + REDACT_SECONDS
    forgotten = 0
    for changed in retention.redact_details():
        forgotten += changed
        if time.monotonic() > deadline:
            break
    if forgotten:
        logger.info("visits whose details were forgotten: %d", forgotten)


def _count(done: processing.ProcessingResult) -> None:
    for verdict, count in done.verdicts.items():
        metrics.visits_processed.labels(verdict).inc(count)
    for verdict, count in done.reclassified.items():
        metrics.visits_reclassified.labels(verdict).inc(count)
    metrics.notes.labels("written").inc(done.notes.new)
    metrics.notes.labels("extended").inc(done.notes.changed)
    metrics.notes.labels("withdrawn").inc(done.notes.withdrawn)
    metrics.visit_processing_failures.labels("retried").inc(done.retried)
    metrics.visit_processing_failures.labels("dead_lettered").inc(done.dead_lettered)
