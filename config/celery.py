"""Celery: the message is a doorbell, the visit row remembers what is left to do.

Settings and their measurements: reference/reliability.md §4.2. A process that only
publishes (Django, redirects) fails fast; a worker waits for its broker to return.
"""

import os
from typing import Any

import django
from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
if os.environ.get("CELERY_ROLE") == "worker":
    os.environ.setdefault("DATABASE_STATEMENT_TIMEOUT_SECONDS", "15")
django.setup(set_prefix=False)  # worker and beat begin here

# connects the signals: health, metrics and logs of worker and beat
from shortlinks.observability import celery_signals  # noqa: E402, F401

VISIBILITY = 300  # seconds; above the hard time limit, since prefetch is 1
WORKER = settings.CELERY_ROLE == "worker"

PUBLISHER_TRANSPORT: dict[str, Any] = {
    "socket_timeout": 0.5,
    "socket_connect_timeout": 0.3,
    "max_retries": 0,
}
WORKER_TRANSPORT: dict[str, Any] = {
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    "socket_timeout": 15,
    "socket_connect_timeout": 3,
    "socket_keepalive": True,
    "health_check_interval": 25,
    "max_retries": 3,
}

app = Celery("shortlinks", broker=settings.REDIS_URL)
app.conf.update(
    task_ignore_result=True,
    result_backend=None,
    task_serializer="json",
    accept_content=["json"],
    timezone="UTC",
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_time_limit=60,
    task_soft_time_limit=45,
    task_publish_retry=WORKER,
    task_default_queue="default",
    task_routes={
        "shortlinks.tasks.process_visits": {"queue": "visits"},
        "shortlinks.tasks.deliver_webhooks": {"queue": "webhooks"},
        "shortlinks.tasks.run_imports": {"queue": "imports"},
        "shortlinks.tasks.*": {"queue": "maintenance"},
    },
    visibility_timeout=VISIBILITY,
    broker_transport_options={
        "visibility_timeout": VISIBILITY,
        "global_keyprefix": settings.REDIS_KEY_PREFIX,
        **(WORKER_TRANSPORT if WORKER else PUBLISHER_TRANSPORT),
    },
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    worker_prefetch_multiplier=1,
    worker_max_tasks_per_child=2000,
    worker_max_memory_per_child=300_000,
    worker_cancel_long_running_tasks_on_connection_loss=True,
    worker_soft_shutdown_timeout=20,
    worker_enable_soft_shutdown_on_idle=True,
    worker_hijack_root_logger=False,
    beat_scheduler="config.beat:Scheduler",
    beat_schedule={
        # What no bell reached; claiming is cheap when nothing is due.
        "sweep": {
            "task": "shortlinks.tasks.process_visits",
            "schedule": 5.0,
            "options": {"expires": 5.0},
        },
        "webhooks": {
            "task": "shortlinks.tasks.deliver_webhooks",
            "schedule": 5.0,
            "options": {"expires": 5.0},
        },
        "webhook-upkeep": {
            "task": "shortlinks.tasks.maintain_webhooks",
            "schedule": 3600.0,
        },
        # What a worker left that was killed.
        "imports": {
            "task": "shortlinks.tasks.run_imports",
            "schedule": 5.0,
            "options": {"expires": 5.0},
        },
        "import-upkeep": {
            "task": "shortlinks.tasks.purge_imports",
            "schedule": 3600.0,
        },
        "sums": {
            "task": "shortlinks.tasks.update_rollups",
            "schedule": 5.0,
            "options": {"expires": 5.0},
        },
        "link-changes": {
            "task": "shortlinks.tasks.sync_link_cache",
            "schedule": 15.0,
            "options": {"expires": 15.0},
        },
        "partitions": {
            "task": "shortlinks.tasks.create_partitions",
            "schedule": 6 * 3600.0,
        },
        "visit-details": {
            "task": "shortlinks.tasks.redact_visits",
            "schedule": 3600.0,
        },
        "source-keys": {
            "task": "shortlinks.tasks.delete_expired_salts",
            "schedule": 3600.0,
        },
    },
)
app.autodiscover_tasks(["shortlinks"])
