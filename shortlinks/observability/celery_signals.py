"""What worker, its pool and beat tell of themselves; connected by `config.celery`."""

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

from shortlinks.domain.links import redis_cache
from shortlinks.domain.monitoring import health
from shortlinks.domain.monitoring.health import Check
from shortlinks.observability import http_server, metrics, request_ids, tracing
from shortlinks.observability.pool_liveness import PoolWatch
from shortlinks.observability.startup import freeze_gc, report_errors, start

logger = logging.getLogger(__name__)

HEARTBEAT_TASK = "shortlinks.tasks.record_heartbeat"
HEARTBEAT_INTERVAL_SECONDS = 15.0
# Beat sends its most frequent task every 5 s.
MAX_SILENCE_SECONDS = 30.0
# On top of a task's hard time limit, after which its child is replaced.
POOL_GRACE = 15.0
REQUEST_ID = "request_id"


class _State:
    """Of this process; what a process is not stays unused."""

    def __init__(self) -> None:
        self.pool = PoolWatch()
        self.server: ThreadingHTTPServer | None = None
        self.counts_messages = True
        self.task_began_at = 0.0
        self.is_beat = False
        self.sent_at = time.monotonic()
        self.heard_at = -HEARTBEAT_INTERVAL_SECONDS


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
    """As in all other processes; Celery's own is left out."""
    logging.config.dictConfig(settings.LOGGING)


@signals.before_task_publish.connect
def carry_request_id(headers: dict[str, Any], **_: Any) -> None:
    headers[REQUEST_ID] = request_ids.current() or request_ids.new()
    tracing.tracing().carry(headers)


@signals.after_task_publish.connect
def count_message(sender: str, **_: Any) -> None:
    if _state.counts_messages:
        metrics.messages.labels(_short(sender)).inc()
    if _state.is_beat:
        _record_beat()


# --- the worker's main process -----------------------------------------------


@signals.worker_init.connect
def begin_worker(sender: Any, **_: Any) -> None:
    # A thread that counts while a child is forked would leave it a lock for ever.
    _state.counts_messages = False
    report_errors("worker")
    longest = sender.app.conf.task_time_limit + POOL_GRACE
    _serve(lambda: health.check_worker(pool_waits=_state.pool.waits(), longest=longest))


@signals.worker_ready.connect
def start_heartbeat(sender: Any, **_: Any) -> None:
    threading.Thread(target=_send_heartbeats, args=[sender.app], daemon=True).start()


@signals.task_received.connect
def note_arrival(**_: Any) -> None:
    _state.pool.task_came()


def _send_heartbeats(app: Celery) -> None:
    """Through the broker and the pool, so that a heartbeat means: tasks are done."""
    while True:
        try:
            # not of the shared pool, whose locks a forked child would inherit
            with app.connection_for_write() as connection:
                app.send_task(
                    HEARTBEAT_TASK,
                    connection=connection,
                    expires=HEARTBEAT_INTERVAL_SECONDS,
                )
        except Exception as error:  # noqa: BLE001  a broker fails in many ways
            logger.warning("no heartbeat: %r", error)
        time.sleep(HEARTBEAT_INTERVAL_SECONDS)


# --- the pool's processes ----------------------------------------------------


@signals.worker_process_init.connect
def begin_child(**_: Any) -> None:
    if _state.server is not None:  # the main process's: its port must end with it
        _state.server.socket.close()
        _state.server = None
    _state.counts_messages = True
    start("worker")
    freeze_gc()


@signals.task_prerun.connect
def begin_task(task: Task[Any, Any], **_: Any) -> None:
    name, headers = _short(task.name), dict(vars(task.request))
    request_ids.begin_task(name, headers.get(REQUEST_ID) or request_ids.new())
    tracing.tracing().task_began(name, headers)
    _state.task_began_at = time.monotonic()


@signals.task_postrun.connect
def end_task(task: Task[Any, Any], state: str | None = None, **_: Any) -> None:
    name, result = _short(task.name), state or "UNKNOWN"
    metrics.tasks.labels(name, result.lower()).inc()
    metrics.task_seconds.labels(name).observe(time.monotonic() - _state.task_began_at)
    tracing.tracing().task_ended(result)
    _state.pool.task_ended()
    request_ids.end_task()


@signals.worker_process_shutdown.connect
def end_child(**_: Any) -> None:
    tracing.tracing().finish()


# --- beat --------------------------------------------------------------------


@signals.beat_init.connect
def begin_beat(**_: Any) -> None:
    start("beat")
    _state.is_beat = True
    _serve(
        lambda: health.check_beat(
            silence=time.monotonic() - _state.sent_at, longest=MAX_SILENCE_SECONDS
        )
    )


def _record_beat() -> None:
    now = _state.sent_at = time.monotonic()
    if now - _state.heard_at < HEARTBEAT_INTERVAL_SECONDS:
        return
    try:
        redis_cache.record_beat()
    except RedisError as error:
        logger.warning("beat was not heard: %r", error)
    else:
        _state.heard_at = now


def _short(name: str) -> str:
    return name.rpartition(".")[2]
