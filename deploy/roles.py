"""The command lines of the service's six processes, the same wherever they run."""

import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.programs import Program, Rank

LOOPBACK = "127.0.0.1"
QUEUES = ("visits", "maintenance", "default")
OTHER_QUEUES = ("webhooks", "imports")

# Slow or endless headers cost a client its connection, not the service its memory.
# HTTP/1 alone, since these bounds do not hold for HTTP/2. No access log: it would carry
# the codes of short links.
HTTP = (
    *("--http", "1"),
    *("--http1-header-read-timeout", "10000"),
    *("--http1-buffer-size", "65536"),
    # Idle connections of browsers count as well: 1,024 would keep new visitors out.
    *("--backlog", "4096", "--backpressure", "16384"),
    "--no-access-log",
    *("--log-config", "config/granian_logs.json"),
)
# The worker takes no SIGTERM for longer than a task may take (its hard time limit).
WORKER_STOP_SECONDS = 65


def web(port: int, *, host: str = LOOPBACK) -> Program:
    return Program(
        name="web",
        command=(
            *_granian(host, port),
            *("--interface", "wsgi", "--no-ws", "--blocking-threads", "32"),
            "config.wsgi:application",
        ),
        rank=Rank.DOORS,
    )


def redirects(
    port: int, *, host: str = LOOPBACK, application: str = "config.asgi:application"
) -> Program:
    return Program(
        name="redirects",
        command=(
            *_granian(host, port),
            *("--interface", "asgi", "--no-ws", "--loop", "uvloop"),
            application,
        ),
        rank=Rank.DOORS,
    )


def metrics(port: int, *, host: str = LOOPBACK) -> Program:
    return Program(
        name="metrics",
        command=(sys.executable, "manage.py", "serve_metrics"),
        rank=Rank.DOORS,
        environment={
            "METRICS_HOST": host,
            "METRICS_PORT": str(port),
            "DATABASE_STATEMENT_TIMEOUT_SECONDS": "2",
        },
    )


def worker(*, health_port: int = 0) -> Program:
    return _worker("worker", QUEUES, concurrency=1, health_port=health_port)


def webhooks(*, health_port: int = 0) -> Program:
    """Apart, since it waits for other people's servers: notes would wait with it.

    Two, so that one goes on while the other still waits for the slowest receiver. It
    has the imports, too, which would keep the notes waiting as well.
    """
    return _worker("webhooks", OTHER_QUEUES, concurrency=2, health_port=health_port)


def beat(schedule: Path, *, health_port: int = 0) -> Program:
    return Program(
        name="beat",
        command=(*_celery("beat"), "--schedule", str(schedule)),
        rank=Rank.BEAT,
        environment=_celery_environment(health_port),
    )


def _worker(
    name: str, queues: Sequence[str], *, concurrency: int, health_port: int
) -> Program:
    return Program(
        name=name,
        command=(
            *_celery("worker"),
            *("--hostname", f"{name}@{socket.gethostname()}"),
            *("--queues", ",".join(queues), "--concurrency", str(concurrency)),
            *("--without-gossip", "--without-mingle", "--loglevel", "info"),
        ),
        rank=Rank.WORKER,
        environment=_celery_environment(health_port),
        stop_seconds=WORKER_STOP_SECONDS,
    )


def _granian(host: str, port: int) -> tuple[str, ...]:
    address = ("--host", host, "--port", str(port))
    # So long has what is being answered to be finished. Without an end granian waits
    # for ever for a worker that was told to stop while it started, and did not hear it.
    workers = ("--workers", "1", "--workers-kill-timeout", "5")
    return (sys.executable, "-m", "granian", *address, *workers, *HTTP)


def _celery(role: str) -> tuple[str, ...]:
    # Started by root, it would warn of that on eight lines at each start.
    python = (sys.executable, "-W", "ignore:You're running the worker with superuser")
    return (*python, "-m", "celery", "--quiet", "-A", "config", role)


def _celery_environment(health_port: int) -> dict[str, str]:
    """Both wait for the broker; each needs a port of its own, if any."""
    return {"CELERY_ROLE": "worker", "HEALTH_PORT": str(health_port)}
