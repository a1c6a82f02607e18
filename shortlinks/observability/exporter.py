"""`/metrics`: the counts of all processes, and gauges that are read at each scrape.

While a store is unavailable, its gauges are missing.
"""

import glob
import json
import logging
import os
import struct
import time
from collections import Counter as Tally
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import redis
from django.conf import settings
from django.db import Error, connection
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from shortlinks.domain.monitoring import gauges, heartbeats
from shortlinks.domain.visits import spool
from shortlinks.domain.webhooks import due_deliveries
from shortlinks.observability import process_slots
from shortlinks.observability.http_server import Page

logger = logging.getLogger(__name__)

QUEUES = ("visits", "webhooks", "imports", "maintenance", "default")
TORN_READ_ERRORS = (struct.error, RuntimeError, ValueError, IndexError)

# Help text and label, if any, by name.
GAUGES: dict[str, tuple[str, str]] = {
    "shortlinks_up": ("Whether a store answers the exporter.", "part"),
    "shortlinks_processes": ("Running processes by role.", "role"),
    "shortlinks_visits_due": (
        "Visits that wait for processing; 100,000 means that many or more.",
        "",
    ),
    "shortlinks_visit_processing_lag_seconds": (
        "How long the oldest visit has been due.",
        "",
    ),
    "shortlinks_visits_dead_lettered": ("Visits that wait for an administrator.", ""),
    "shortlinks_webhook_lag_seconds": (
        "How long the oldest event has been due that could be sent now.",
        "",
    ),
    "shortlinks_rollup_lag_seconds": (
        "How long the oldest count has waited for the rollups.",
        "",
    ),
    "shortlinks_visit_partitions_ahead": (
        "Future months that have a partition; -1 if the current one has none.",
        "",
    ),
    "shortlinks_heartbeat_age_seconds": (
        "Age of the last heartbeat of worker and beat.",
        "process",
    ),
    "shortlinks_queue_messages": ("Messages that no worker has taken.", "queue"),
    "shortlinks_spool_bytes": ("Bytes in the spool: waiting, or bad.", "state"),
    "shortlinks_spool_oldest_seconds": ("Age of the oldest waiting file.", ""),
    "shortlinks_spool_capacity_bytes": ("Maximum size of the spool.", ""),
    "shortlinks_spool_free_bytes": ("Free space on the disk of the spool.", ""),
}


class Sample(NamedTuple):
    name: str
    value: float
    label: str = ""


class ProcessCollector(MultiProcessCollector):
    """Adds up the files of the processes; skips incomplete and broken ones."""

    def collect(self) -> Iterable[Metric]:
        with process_slots.dead(settings.METRICS_DIR) as names:
            for name in names:
                mark_process_dead(name, self._path)
        files = glob.glob(os.path.join(self._path, "*.db"))  # noqa: PTH118, PTH207
        readable = [path for path in files if _is_readable(path)]
        merged: Iterable[Metric] = self.merge(readable)  # type: ignore[no-untyped-call]
        return merged


class GaugeCollector(Collector):
    def collect(self) -> Iterator[Metric]:
        samples = [
            *_postgres_samples(),
            *_redis_samples(),
            *_disk_samples(),
            *_process_samples(),
        ]
        for name, (text, label) in GAUGES.items():
            family = GaugeMetricFamily(name, text, labels=[label] if label else [])
            for sample in samples:
                if sample.name == name:
                    family.add_metric([sample.label] if label else [], sample.value)
            yield family


def page() -> Page:
    settings.METRICS_DIR.mkdir(parents=True, exist_ok=True)
    registry = CollectorRegistry()
    ProcessCollector(registry, path=str(settings.METRICS_DIR))  # type: ignore[no-untyped-call]
    registry.register(GaugeCollector())
    return Page(200, CONTENT_TYPE_LATEST, generate_latest(registry))


def _is_readable(path: str) -> bool:
    try:
        for key, *_ in MmapedDict.read_all_values_from_file(path):
            json.loads(key)
    except FileNotFoundError:
        return False
    except TORN_READ_ERRORS as error:
        logger.warning("%s is skipped: %r", path, error)
        return False
    return True


def _postgres_samples() -> list[Sample]:
    try:
        due = gauges.backlog()
        heartbeat_at = heartbeats.last_worker()
        return [
            Sample("shortlinks_visits_due", due.visits),
            Sample("shortlinks_visit_processing_lag_seconds", due.oldest_seconds),
            Sample("shortlinks_visits_dead_lettered", gauges.dead_lettered_count()),
            Sample("shortlinks_webhook_lag_seconds", due_deliveries.lag_seconds()),
            Sample("shortlinks_rollup_lag_seconds", gauges.rollup_lag_seconds()),
            Sample(
                "shortlinks_visit_partitions_ahead", gauges.partition_months_ahead()
            ),
            *(_age("worker", heartbeat_at.timestamp()) if heartbeat_at else ()),
            Sample("shortlinks_up", 1, "postgres"),
        ]
    except Error as error:
        logger.warning("no gauges from Postgres: %s", type(error).__name__)
        return [Sample("shortlinks_up", 0, "postgres")]
    finally:
        connection.close()  # this thread may not be used again


def _redis_samples() -> list[Sample]:
    try:
        heartbeat_at = heartbeats.last_beat()
        lengths = [
            Sample("shortlinks_queue_messages", gauges.queue_length(queue), queue)
            for queue in QUEUES
        ]
    except redis.RedisError as error:
        logger.warning("no gauges from Redis: %s", type(error).__name__)
        return [Sample("shortlinks_up", 0, "redis")]
    age = _age("beat", heartbeat_at.timestamp()) if heartbeat_at else []
    return [*lengths, *age, Sample("shortlinks_up", 1, "redis")]


def _disk_samples() -> list[Sample]:
    try:
        disk = spool.inspect(settings.SPOOL_DIR)
    except OSError as error:
        logger.warning("SPOOL_DIR: %s", error)
        return []
    age = 0.0 if disk.oldest_at is None else max(time.time() - disk.oldest_at, 0)
    return [
        Sample("shortlinks_spool_bytes", disk.waiting_bytes, "waiting"),
        Sample("shortlinks_spool_bytes", disk.bad_bytes, "bad"),
        Sample("shortlinks_spool_oldest_seconds", age),
        Sample("shortlinks_spool_capacity_bytes", settings.SPOOL_MAX_BYTES),
        Sample("shortlinks_spool_free_bytes", disk.free_bytes),
    ]


def _process_samples() -> list[Sample]:
    roles = Tally(
        name.rpartition("-")[0] for name in process_slots.live(settings.METRICS_DIR)
    )
    return [Sample("shortlinks_processes", n, role) for role, n in roles.items()]


def _age(process: str, heartbeat_at: float) -> list[Sample]:
    age = max(timezone.now().timestamp() - heartbeat_at, 0)
    return [Sample("shortlinks_heartbeat_age_seconds", age, process)]
