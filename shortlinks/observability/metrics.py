"""All metrics that processes count (docs/adr/0009).

No label identifies anybody: no codes, URLs, addresses or tokens. Each metric has a
label, so that no file is created before it is used.
"""

import logging
import os
from collections.abc import Iterable
from functools import cache
from typing import Any

from django.conf import settings
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values

from shortlinks.models import Verdict
from shortlinks.observability.process_slots import Slot

logger = logging.getLogger(__name__)

slot = Slot(settings.METRICS_DIR)


@cache
def _value_type() -> Any:
    """Return a type that counts in files, or in memory if they cannot be written."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(settings.METRICS_DIR)
    try:
        return values.MultiProcessValue(slot.identifier)
    except OSError as error:
        logger.error("METRICS_DIR: %s; nothing is measured", error)  # noqa: TRY400
        return values.MutexValue


def _new_value(*arguments: Any, **options: Any) -> Any:
    return _value_type()(*arguments, **options)


# Chosen when a metric is first used, because the role of the process is set by then.
values.ValueClass = _new_value

REGISTRY = CollectorRegistry()

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
VISITS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

redirects = Counter(
    "shortlinks_redirects",
    "Requests to the short host by outcome.",
    ["outcome"],
    registry=REGISTRY,
)
visits_stored = Counter(
    "shortlinks_visits_stored",
    "Visits by result: committed, spooled, rejected (quarantined), lost or counted.",
    ["result"],
    registry=REGISTRY,
)
visits_replayed = Counter(
    "shortlinks_visits_replayed",
    "Visits from the spool: stored, rejected, or corrupt lines.",
    ["result"],
    registry=REGISTRY,
)
batch_seconds = Histogram(
    "shortlinks_visit_batch_seconds",
    "Time to make a batch of visits durable, in Postgres or the spool.",
    ["store"],
    buckets=SECONDS,
    registry=REGISTRY,
)
visit_batch_size = Histogram(
    "shortlinks_visit_batch_size",
    "Visits in a batch, in Postgres or the spool.",
    ["store"],
    buckets=VISITS,
    registry=REGISTRY,
)
circuit_breakers_open = Gauge(
    "shortlinks_circuit_breakers_open",
    "Processes whose circuit breaker is open.",
    ["store"],
    multiprocess_mode="livesum",
    registry=REGISTRY,
)
worker_notifications = Counter(
    "shortlinks_worker_notifications",
    "Messages from redirects to the worker: sent, or failed.",
    ["result"],
    registry=REGISTRY,
)
messages = Counter(
    "shortlinks_messages_sent",
    "Messages sent to the broker, by task.",
    ["task"],
    registry=REGISTRY,
)
visits_processed = Counter(
    "shortlinks_visits_processed",
    "Processed visits by verdict.",
    ["verdict"],
    registry=REGISTRY,
)
visits_reclassified = Counter(
    "shortlinks_visits_reclassified",
    "Visits whose verdict was changed by later visits, by the new verdict.",
    ["verdict"],
    registry=REGISTRY,
)
visit_processing_failures = Counter(
    "shortlinks_visit_processing_failures",
    "Failures to process a visit: retried, dead-lettered after the last, or lost link.",
    ["result"],
    registry=REGISTRY,
)
notes = Counter(
    "shortlinks_notes",
    "Notes of opens: written, extended by another open, or withdrawn.",
    ["change"],
    registry=REGISTRY,
)
webhooks_sent = Counter(
    "shortlinks_webhooks_sent",
    "Attempts to send webhook events: accepted, or failed.",
    ["result"],
    registry=REGISTRY,
)
tasks = Counter(
    "shortlinks_tasks",
    "Tasks by result.",
    ["task", "result"],
    registry=REGISTRY,
)
task_seconds = Histogram(
    "shortlinks_task_seconds",
    "Duration of tasks.",
    ["task"],
    buckets=(*SECONDS, 10.0, 25.0, 60.0),
    registry=REGISTRY,
)
api_requests = Counter(
    "shortlinks_api_requests",
    "Requests to API and admin by route, method and status.",
    ["route", "method", "status"],
    registry=REGISTRY,
)
api_seconds = Histogram(
    "shortlinks_api_request_seconds",
    "Duration of requests to API and admin by route and method.",
    ["route", "method"],
    buckets=SECONDS,
    registry=REGISTRY,
)

OUTCOMES = ("redirected", "prefetch", "unknown", "method", "unavailable", "own_page")
RESULTS = ("committed", "spooled", "rejected", "lost", "counted")
STORES = ("postgres", "redis")
# If a counter appeared with its first failure, alerts would measure no increase.
PREINITIALIZED: dict[str, list[tuple[Counter, Iterable[str]]]] = {
    "redirects": [
        (redirects, OUTCOMES),
        (visits_stored, RESULTS),
        (visits_replayed, ("stored", "rejected", "corrupt")),
        (worker_notifications, ("sent", "failed")),
    ],
    "worker": [
        (visits_processed, Verdict.values),
        (visits_reclassified, Verdict.values),
        (notes, ("written", "extended", "withdrawn")),
        (visit_processing_failures, ("retried", "dead_lettered", "lost_link")),
        (webhooks_sent, ("accepted", "failed")),
    ],
    "beat": [(messages, ("process_visits",))],
}


def start(role: str) -> None:
    """Export the counters of this role, from zero or from the predecessor's value."""
    slot.role = role
    for counter, labels in PREINITIALIZED.get(role, []):
        for label in labels:
            counter.labels(label)
    if role == "web":  # redirects set it every second
        circuit_breakers_open.labels("postgres").set(0)


def add_observations(child: Histogram, *, counts: list[int], total: float) -> None:
    """Add many observations at once: the number in each bucket, and their sum.

    The library has only `observe`, which costs a redirect process a hundred times as
    much.
    """
    child._sum.inc(total)
    for bucket, count in zip(child._buckets, counts, strict=True):
        if count:
            bucket.inc(count)
