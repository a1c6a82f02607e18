"""Every metric that processes count, with the labels it may have (ADR 0009).

Each has labels, and no label says who or what: no codes, urls, addresses, tokens. So
none makes a file before it is used, and their number is bounded.
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
def _class() -> Any:
    """Files that the exporter reads; memory alone when there is no place for them."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(settings.METRICS_DIR)
    try:
        return values.MultiProcessValue(slot.identifier)
    except OSError as error:
        logger.error("METRICS_DIR: %s; nothing is measured", error)  # noqa: TRY400
        return values.MutexValue


def _value(*arguments: Any, **options: Any) -> Any:
    return _class()(*arguments, **options)


# Chosen when a metric is first used, since the process has its role by then.
values.ValueClass = _value

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
    "Visits by result: committed, spooled, rejected (quarantined) or lost.",
    ["result"],
    registry=REGISTRY,
)
visits_replayed = Counter(
    "shortlinks_visits_replayed",
    "Visits brought home from the spool: stored, refused, or torn lines.",
    ["result"],
    registry=REGISTRY,
)
batch_seconds = Histogram(
    "shortlinks_visit_batch_seconds",
    "Time to make a batch of visits durable, in Postgres or in the spool.",
    ["store"],
    buckets=SECONDS,
    registry=REGISTRY,
)
visit_batch_size = Histogram(
    "shortlinks_visit_batch_size",
    "Visits in a batch, in Postgres or in the spool.",
    ["store"],
    buckets=VISITS,
    registry=REGISTRY,
)
circuit_breakers_open = Gauge(
    "shortlinks_circuit_breakers_open",
    "Processes that hold a store for away.",
    ["store"],
    multiprocess_mode="livesum",
    registry=REGISTRY,
)
worker_notifications = Counter(
    "shortlinks_worker_notifications",
    "Bells of the redirects to the worker: rung, or failed (the sweep makes up).",
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
    "Visits followed up, by verdict.",
    ["verdict"],
    registry=REGISTRY,
)
visits_reclassified = Counter(
    "shortlinks_visits_reclassified",
    "Visits whose verdict changed by what their source did later, by the new one.",
    ["verdict"],
    registry=REGISTRY,
)
visit_processing_failures = Counter(
    "shortlinks_visit_processing_failures",
    "Follow-ups of a visit that failed: put off, or set aside after the last.",
    ["result"],
    registry=REGISTRY,
)
notes = Counter(
    "shortlinks_notes",
    "Notes of opens: written, extended by a further open, or withdrawn.",
    ["change"],
    registry=REGISTRY,
)
webhooks_sent = Counter(
    "shortlinks_webhooks_sent",
    "Attempts to tell webhooks of events: accepted, or failed (tried again later).",
    ["result"],
    registry=REGISTRY,
)
tasks = Counter(
    "shortlinks_tasks",
    "Tasks run, by how they ended.",
    ["task", "result"],
    registry=REGISTRY,
)
task_seconds = Histogram(
    "shortlinks_task_seconds",
    "Time a task ran.",
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
    "Time a request to API or admin took, by route and method.",
    ["route", "method"],
    buckets=SECONDS,
    registry=REGISTRY,
)

OUTCOMES = ("redirected", "prefetch", "unknown", "method", "unavailable", "own_page")
RESULTS = ("committed", "spooled", "rejected", "lost")
STORES = ("postgres", "redis")
# A counter that first appears when something breaks shows no increase to an alert.
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
        (visit_processing_failures, ("retried", "dead_lettered")),
        (webhooks_sent, ("accepted", "failed")),
    ],
    "beat": [(messages, ("process_visits",))],
}


def start(role: str) -> None:
    """Take this process's file and show its counters, from 0 or where they were."""
    slot.role = role
    for counter, labels in PREINITIALIZED.get(role, []):
        for label in labels:
            counter.labels(label)
    if role == "web":  # redirects say it every second
        circuit_breakers_open.labels("postgres").set(0)


def add_observations(child: Histogram, *, counts: list[int], total: float) -> None:
    """What was observed elsewhere: how many in each bucket, and their sum.

    The library has no door for that; `observe` for each would cost a visitor's process
    a hundred times as much.
    """
    child._sum.inc(total)
    for bucket, count in zip(child._buckets, counts, strict=True):
        if count:
            bucket.inc(count)
