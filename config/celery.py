"""Celery's settings and schedule.

Messages may be lost: the rows store the remaining work. Processes that only publish
(Django, redirects) fail fast, and workers wait for an unavailable broker. The settings
are explained in docs/reference/reliability.md.
"""

import os
from typing import Any

import django
from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Workers and beat wait for an unavailable broker; publishers fail fast.
WORKER = os.environ.get("ROLE") in {"worker", "webhooks", "beat"}
if WORKER:
    os.environ.setdefault("DATABASE_STATEMENT_TIMEOUT_SECONDS", "15")
django.setup(set_prefix=False)  # worker and beat start here

# connects the signals
from shortlinks.observability import celery_signals  # noqa: E402, F401

# Above the hard time limit; a worker prefetches one message.
VISIBILITY_TIMEOUT_SECONDS = 300

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
    visibility_timeout=VISIBILITY_TIMEOUT_SECONDS,
    broker_transport_options={
        "visibility_timeout": VISIBILITY_TIMEOUT_SECONDS,
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
        # for visits whose message was lost; cheap if nothing is due
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
        "webhook-secrets": {
            "task": "shortlinks.tasks.reencrypt_webhook_secrets",
            "schedule": 3600.0,
        },
        "webhook-owners": {
            "task": "shortlinks.tasks.mail_webhook_owners",
            "schedule": 30.0,
            "options": {"expires": 30.0},
        },
        "token-owners": {
            "task": "shortlinks.tasks.warn_token_owners",
            "schedule": 300.0,
            "options": {"expires": 300.0},
        },
        # for imports whose worker was killed
        "imports": {
            "task": "shortlinks.tasks.run_imports",
            "schedule": 5.0,
            "options": {"expires": 5.0},
        },
        "import-purge": {
            "task": "shortlinks.tasks.purge_imports",
            "schedule": 3600.0,
        },
        "rollups": {
            "task": "shortlinks.tasks.update_rollups",
            "schedule": 5.0,
            "options": {"expires": 5.0},
        },
        "usage": {
            "task": "shortlinks.tasks.count_usage",
            "schedule": 30.0,
            "options": {"expires": 30.0},
        },
        "link-cache": {
            "task": "shortlinks.tasks.sync_link_cache",
            "schedule": 15.0,
            "options": {"expires": 15.0},
        },
        "short-domains": {
            "task": "shortlinks.tasks.verify_short_domains_again",
            "schedule": 600.0,
            "options": {"expires": 600.0},
        },
        "partitions": {
            "task": "shortlinks.tasks.create_partitions",
            "schedule": 6 * 3600.0,
        },
        "bot-networks": {
            "task": "shortlinks.tasks.refresh_bot_networks",
            "schedule": 3600.0,
        },
        "erasures": {
            "task": "shortlinks.tasks.erase_persons",
            "schedule": 5.0,
            "options": {"expires": 5.0},
        },
        "retention": {
            "task": "shortlinks.tasks.apply_retention",
            "schedule": 600.0,
            "options": {"expires": 600.0},
        },
        "sessions": {
            "task": "shortlinks.tasks.purge_sessions",
            "schedule": 3600.0,
        },
        "second-factors": {
            "task": "shortlinks.tasks.reencrypt_second_factors",
            "schedule": 3600.0,
        },
        "oauth": {
            "task": "shortlinks.tasks.purge_oauth",
            "schedule": 3600.0,
        },
        "daily-salts": {
            "task": "shortlinks.tasks.delete_expired_salts",
            "schedule": 3600.0,
        },
    },
)
app.autodiscover_tasks(["shortlinks"])
