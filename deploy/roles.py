"""Command lines of the six processes, the same on every host."""

import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.programs import Program, Rank

LOOPBACK = "127.0.0.1"
QUEUES = ("visits", "maintenance", "default")
SLOW_QUEUES = ("webhooks", "imports")

# A client with slow or endless headers loses its connection. Only HTTP/1, because these
# limits do not apply to HTTP/2. No access log: it would contain the codes of links.
HTTP = (
    *("--interface", "asgi", "--no-ws", "--loop", "uvloop"),
    *("--http", "1"),
    *("--http1-header-read-timeout", "10000"),
    *("--http1-buffer-size", "65536"),
    # Idle connections of browsers count too: 1,024 would block new visitors.
    *("--backlog", "4096", "--backpressure", "16384"),
    "--no-access-log",
    *("--log-config", "config/granian_logs.json"),
)
# After SIGTERM, the worker finishes its task, which has a hard limit of 60 s.
WORKER_STOP_SECONDS = 65


def web(port: int, *, host: str = LOOPBACK) -> Program:
    return Program(
        name="web",
        command=(*_granian(host, port), "config.web:application"),
        rank=Rank.SERVERS,
        environment={"ROLE": "web"},
    )


def redirects(
    port: int, *, host: str = LOOPBACK, application: str = "config.asgi:application"
) -> Program:
    return Program(
        name="redirects",
        command=(*_granian(host, port), application),
        rank=Rank.SERVERS,
        environment={"ROLE": "redirects"},
    )


def metrics(port: int, *, host: str = LOOPBACK) -> Program:
    return Program(
        name="metrics",
        command=(sys.executable, "manage.py", "serve_metrics"),
        rank=Rank.SERVERS,
        environment={
            "ROLE": "metrics",
            "METRICS_HOST": host,
            "METRICS_PORT": str(port),
            "DATABASE_STATEMENT_TIMEOUT_SECONDS": "2",
        },
    )


def worker(*, health_port: int = 0) -> Program:
    return _worker("worker", QUEUES, concurrency=1, health_port=health_port)


def webhooks(*, health_port: int = 0) -> Program:
    """Return the worker for webhooks and imports, which must not delay notes.

    It has two processes, so that one continues while the other waits for a receiver.
    """
    return _worker("webhooks", SLOW_QUEUES, concurrency=2, health_port=health_port)


def beat(schedule: Path, *, health_port: int = 0) -> Program:
    return Program(
        name="beat",
        command=(*_celery("beat"), "--schedule", str(schedule)),
        rank=Rank.BEAT,
        environment=_celery_environment("beat", health_port),
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
        environment=_celery_environment(name, health_port),
        stop_seconds=WORKER_STOP_SECONDS,
    )


def _granian(host: str, port: int) -> tuple[str, ...]:
    address = ("--host", host, "--port", str(port))
    # Seconds to finish open requests. Without a limit, granian waits forever for a
    # worker that was stopped while it started.
    workers = ("--workers", "1", "--workers-kill-timeout", "5")
    return (sys.executable, "-m", "granian", *address, *workers, *HTTP)


def _celery(role: str) -> tuple[str, ...]:
    # Started by root, it would print eight lines of warning.
    python = (sys.executable, "-W", "ignore:You're running the worker with superuser")
    return (*python, "-m", "celery", "--quiet", "-A", "config", role)


def _celery_environment(role: str, health_port: int) -> dict[str, str]:
    return {"ROLE": role, "HEALTH_PORT": str(health_port)}
