"""Health, metrics and logs of workers and beat, imported by `config.celery`."""

import logging
import logging.config
import threading
import time
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from typing import Any

from celery import Celery, Task, signals
from django.conf import settings
from redis import RedisError

from shortlinks.domain.monitoring import health, heartbeats
from shortlinks.domain.monitoring.health import Check
from shortlinks.observability import http_server, metrics, request_ids, tracing
from shortlinks.observability.pool_liveness import PoolWatch
from shortlinks.observability.startup import freeze_gc, report_errors, start

logger = logging.getLogger(__name__)

HEARTBEAT_TASK = "shortlinks.tasks.record_heartbeat"
HEARTBEAT_INTERVAL_SECONDS = 15.0
# Beat sends its most frequent task every 5 s.
MAX_SILENCE_SECONDS = 30.0
# After a task's hard time limit, its process needs time to be replaced.
POOL_GRACE_SECONDS = 15.0
REQUEST_ID = "request_id"


class _State:
    """The state of this process: a worker, a process of its pool, or beat."""

    def __init__(self) -> None:
        self.pool = PoolWatch()
        self.server: ThreadingHTTPServer | None = None
        self.counts_messages = True
        self.task_started_at = 0.0
        self.is_beat = False
        self.sent_at = time.monotonic()
        self.recorded_at = -HEARTBEAT_INTERVAL_SECONDS


_state = _State()


def _serve(checks: Callable[[], list[Check]]) -> None:
    if settings.HEALTH_PORT:
        _state.server = http_server.start(
            settings.HEALTH_HOST,
            settings.HEALTH_PORT,
            {
                "/healthz": http_server.alive,
                "/readyz": lambda: http_server.readiness(checks()),
            },
        )


# --- every process of Celery -------------------------------------------------


@signals.setup_logging.connect
def set_up_logging(**_: Any) -> None:
    """Log as all other processes do; with a handler, Celery leaves logging alone."""
    logging.config.dictConfig(settings.LOGGING)


@signals.before_task_publish.connect
def carry_request_id(headers: dict[str, Any], **_: Any) -> None:
    headers[REQUEST_ID] = request_ids.current() or request_ids.new()
    tracing.current().inject(headers)


@signals.after_task_publish.connect
def count_message(sender: str, **_: Any) -> None:
    if _state.counts_messages:
        metrics.messages.labels(_short(sender)).inc()
    if _state.is_beat:
        _record_beat()


# --- the worker's main process -----------------------------------------------


@signals.worker_init.connect
def start_worker(sender: Any, **_: Any) -> None:
    # If a thread counted during a fork, the child would wait for its lock forever.
    _state.counts_messages = False
    report_errors("worker")
    longest = sender.app.conf.task_time_limit + POOL_GRACE_SECONDS
    _serve(
        lambda: health.check_worker(
            pool_waits=_state.pool.waiting_seconds(), longest=longest
        )
    )


@signals.worker_ready.connect
def start_heartbeat(sender: Any, **_: Any) -> None:
    threading.Thread(target=_send_heartbeats, args=[sender.app], daemon=True).start()


@signals.task_received.connect
def record_arrival(**_: Any) -> None:
    _state.pool.record_arrival()


def _send_heartbeats(app: Celery) -> None:
    """Send heartbeats as tasks, so that they show that the pool works."""
    while True:
        try:
            # A forked child would inherit the locks of the shared connection pool.
            with app.connection_for_write() as connection:
                app.send_task(
                    HEARTBEAT_TASK,
                    connection=connection,
                    expires=HEARTBEAT_INTERVAL_SECONDS,
                )
        except Exception as error:  # noqa: BLE001  brokers raise many errors
            logger.warning("no heartbeat was sent: %r", error)
        time.sleep(HEARTBEAT_INTERVAL_SECONDS)


# --- processes of the pool -----------------------------------------------------


@signals.worker_process_init.connect
def start_child(**_: Any) -> None:
    if _state.server is not None:  # so that the port closes with the main process
        _state.server.socket.close()
        _state.server = None
    _state.counts_messages = True
    start("worker")
    freeze_gc()


@signals.task_prerun.connect
def start_task(task: Task[Any, Any], **_: Any) -> None:
    name, headers = _short(task.name), dict(vars(task.request))
    request_ids.start_task(name, headers.get(REQUEST_ID) or request_ids.new())
    tracing.current().start_task(name, headers)
    _state.task_started_at = time.monotonic()


@signals.task_postrun.connect
def end_task(task: Task[Any, Any], state: str | None = None, **_: Any) -> None:
    name, result = _short(task.name), state or "UNKNOWN"
    metrics.tasks.labels(name, result.lower()).inc()
    metrics.task_seconds.labels(name).observe(time.monotonic() - _state.task_started_at)
    tracing.current().end_task(result)
    _state.pool.record_end()
    request_ids.end_task()


@signals.worker_process_shutdown.connect
def end_child(**_: Any) -> None:
    tracing.current().finish()


# --- beat --------------------------------------------------------------------


@signals.beat_init.connect
def start_beat(**_: Any) -> None:
    start("beat")
    _state.is_beat = True
    _serve(
        lambda: health.check_beat(
            silence=time.monotonic() - _state.sent_at, longest=MAX_SILENCE_SECONDS
        )
    )


def _record_beat() -> None:
    now = _state.sent_at = time.monotonic()
    if now - _state.recorded_at < HEARTBEAT_INTERVAL_SECONDS:
        return
    try:
        heartbeats.record_beat()
    except RedisError as error:
        logger.warning("the heartbeat of beat was not stored: %r", error)
    else:
        _state.recorded_at = now


def _short(name: str) -> str:
    return name.rpartition(".")[2]
