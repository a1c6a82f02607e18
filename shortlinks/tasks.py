"""Celery tasks, one call of the domain each.

Messages contain no data. A task may be lost, repeated or late, because rows store the
remaining work and beat sends each message again.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

from celery import Task, shared_task
from kombu.exceptions import OperationalError

from shortlinks.domain import quotas
from shortlinks.domain.auth import (
    expiry_mail,
    oauth,
    second_factors,
    sessions,
)
from shortlinks.domain.imports import batches, lifecycle
from shortlinks.domain.links import cache_sync, short_domains
from shortlinks.domain.monitoring import heartbeats
from shortlinks.domain.personal_data import erasure, retention
from shortlinks.domain.reports import rollups
from shortlinks.domain.visits import (
    parallel,
    partitions,
    published_networks,
)
from shortlinks.domain.visits.processing import ProcessingResult
from shortlinks.domain.webhooks import owner_mail, subscriptions
from shortlinks.domain.webhooks.sender import Sender
from shortlinks.observability import metrics

logger = logging.getLogger(__name__)

PROCESS_SECONDS = 20.0
RETENTION_SECONDS = 30.0
ERASE_SECONDS = 3.0  # visits wait meanwhile
# The last attempt starts before this, and must end within the task's time limit.
DELIVER_SECONDS = 20.0
MAIL_SECONDS = 5.0
ROLLUP_SECONDS = 20.0
IMPORT_SECONDS = 20.0
DOMAIN_SECONDS = 20.0


@shared_task
def process_visits() -> None:
    """Process due visits; after 20 s, another message continues."""
    deadline = time.monotonic() + PROCESS_SECONDS
    done: list[ProcessingResult] = []

    def should_continue() -> bool:
        return time.monotonic() < deadline

    def on_batch(batch: ProcessingResult) -> None:
        _count(batch)
        done.append(batch)

    parallel.process_all_due(should_continue=should_continue, on_batch=on_batch)
    if not should_continue():
        process_visits.delay()
    if processed := sum(batch.claimed for batch in done):
        logger.info("visits processed: %d", processed)
    if any(batch.notes.deliveries for batch in done):
        deliver_webhooks.delay()


@shared_task
def deliver_webhooks() -> None:
    """Send until nothing is due; after 20 s, another message continues.

    This message is sent before the task waits for slow receivers, so that other
    receivers do not wait.
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
        logger.info("webhooks sent: %d, %d of them failed", sent, sender.failed)


def enqueue_webhooks() -> None:
    _enqueue(deliver_webhooks, "webhooks")


def _enqueue(task: Task[Any, Any], waiting: str) -> None:
    """Send a message, or leave it to beat if the broker is unavailable."""
    try:
        task.delay()
    except OperationalError as error:
        logger.warning("%s wait for beat: %r", waiting, error)


@shared_task
def reencrypt_webhook_secrets() -> None:
    subscriptions.reencrypt_secrets()


@shared_task
def mail_webhook_owners() -> None:
    _send_mails(owner_mail.send_next)


@shared_task
def warn_token_owners() -> None:
    """Send e-mails about tokens that expire soon."""
    _send_mails(expiry_mail.send_next)


def _send_mails(send_next: Callable[[], bool]) -> None:
    """Send e-mails until none is due; the mail server has 5 s for each."""
    deadline = time.monotonic() + MAIL_SECONDS
    while time.monotonic() < deadline and send_next():
        pass


@shared_task
def run_imports() -> None:
    """Run batches; after 20 s, another message continues with the next import."""
    deadline = time.monotonic() + IMPORT_SECONDS
    while time.monotonic() < deadline:
        if not batches.run_next(lambda: time.monotonic() < deadline):
            break
    else:
        run_imports.delay()


def enqueue_imports() -> None:
    _enqueue(run_imports, "imports")


@shared_task
def refresh_bot_networks() -> None:
    """Refresh one published list of networks."""
    published_networks.refresh_next()


@shared_task
def purge_imports() -> None:
    lifecycle.purge()


@shared_task
def update_rollups() -> None:
    """Update for at most 20 s; beat starts the next run."""
    rollups.update(time.monotonic() + ROLLUP_SECONDS)


@shared_task
def count_usage() -> None:
    quotas.count_new_rows()


@shared_task
def sync_link_cache() -> None:
    """Sync changes of links and accounts that Redis missed."""
    cache_sync.sync_changes()


@shared_task
def verify_short_domains_again() -> None:
    """Check proofs for at most 25 s; the next run, 10 minutes later, continues."""
    deadline = time.monotonic() + DOMAIN_SECONDS
    short_domains.verify_due(lambda: time.monotonic() < deadline)


@shared_task
def record_heartbeat() -> None:
    heartbeats.record_worker()


@shared_task
def purge_sessions() -> None:
    sessions.purge()


@shared_task
def reencrypt_second_factors() -> None:
    second_factors.reencrypt_secrets()


@shared_task
def purge_oauth() -> None:
    oauth.purge()


@shared_task
def create_partitions() -> None:
    partitions.create_partitions()


@shared_task
def delete_expired_salts() -> None:
    partitions.delete_expired_salts()


@shared_task
def erase_persons() -> None:
    """Start and continue erasures for 3 s; the next run continues."""
    erasure.request_for_deleted()
    erasure.run_due(time.monotonic() + ERASE_SECONDS)


@shared_task
def apply_retention() -> None:
    """Delete and redact old rows for 30 s; the next run continues."""
    for name, count in retention.run(time.monotonic() + RETENTION_SECONDS).items():
        if count:
            logger.info("retention: %s: %d", name, count)


def _count(done: ProcessingResult) -> None:
    for verdict, count in done.verdicts.items():
        metrics.visits_processed.labels(verdict).inc(count)
    for verdict, count in done.reclassified.items():
        metrics.visits_reclassified.labels(verdict).inc(count)
    metrics.notes.labels("written").inc(done.notes.new)
    metrics.notes.labels("extended").inc(done.notes.changed)
    metrics.notes.labels("withdrawn").inc(done.notes.withdrawn)
    metrics.visit_processing_failures.labels("retried").inc(done.retried)
    metrics.visit_processing_failures.labels("dead_lettered").inc(done.dead_lettered)
    metrics.visit_processing_failures.labels("lost_link").inc(done.lost)
