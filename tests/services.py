"""Start processes of the service with the commands that production uses."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
import redis
from django.conf import settings

from deploy import roles
from deploy.programs import Program, Rank

T = TypeVar("T")

ROOT = Path(settings.BASE_DIR)
# With a lower second limit, httpcore closes idle connections beyond it, also one that
# another thread has just been given ("Bad file descriptor").
LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=100)


def wait_for(condition: Callable[[], Any], *, seconds: float = 30) -> Any:
    """Return the condition's first true value; fail after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not true within {seconds} s"
        time.sleep(0.02)
    return value


def in_threads(call: Callable[[], T], times: int, *, threads: int = 16) -> list[T]:
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda _: call(), range(times)))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def database_url() -> str:
    database = settings.DATABASES["default"]
    password = quote(database["PASSWORD"], safe="")
    address = f"{database['HOST']}:{database['PORT']}/{database['NAME']}"
    return f"postgres://{database['USER']}:{password}@{address}"


def empty_queues() -> None:
    """Delete the messages that other tests sent and no worker took."""
    queues = [f"{settings.REDIS_KEY_PREFIX}{queue}" for queue in roles.QUEUES]
    redis.Redis.from_url(settings.REDIS_URL).delete(*queues)


def base_environment() -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": database_url(),
        "LINK_CACHE_TTL_SECONDS": "1",
        # A busy machine is slow. Only tests of slow stores set the usual time.
        "VISIT_COMMIT_TIMEOUT_SECONDS": "5",
        "API_RATE_LIMIT_PER_TOKEN": "0",
        "API_RATE_LIMIT_PER_ACCOUNT": "0",
    }


class Process:
    """A running program and its log."""

    def __init__(self, program: Program, log: Path, **environment: str) -> None:
        self.log = log
        self._output = log.open("wb")
        self._process = subprocess.Popen(
            program.command,
            cwd=ROOT,
            env={**base_environment(), **program.environment, **environment},
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def has_logged(self, words: str) -> bool:
        """Fail if the process has ended."""
        assert self._process.poll() is None, self.log.read_text()
        return words in self.log.read_text()

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """Kill the process and its children with SIGKILL."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)
        self._output.close()

    def terminate(self) -> None:
        self._process.terminate()

    def exit_code(self) -> int:
        return self._process.wait(20)

    def stop(self) -> None:
        """Send SIGTERM, then SIGKILL if the process does not end."""
        if self._process.poll() is None:
            self.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait(10)
        self._output.close()


def management(*arguments: str) -> Program:
    return Program(
        name=arguments[0],
        command=(sys.executable, "manage.py", *arguments),
        rank=Rank.WORKER,
    )


@contextlib.contextmanager
def worker(
    directory: Path, *, name: str = "worker", **environment: str
) -> Iterator[Process]:
    log = directory / f"{name}.log"
    with _working(roles.worker(), log, **environment) as process:
        yield process


@contextlib.contextmanager
def webhooks(directory: Path, **environment: str) -> Iterator[Process]:
    log = directory / "webhooks.log"
    with _working(roles.webhooks(), log, **environment) as process:
        yield process


@contextlib.contextmanager
def _working(program: Program, log: Path, **environment: str) -> Iterator[Process]:
    process = Process(program, log, **environment)
    try:
        wait_for(lambda: process.has_logged("ready."))
        yield process
    finally:
        process.stop()


@contextlib.contextmanager
def beat(directory: Path, **environment: str) -> Iterator[Process]:
    program = roles.beat(directory / "schedule")
    process = Process(program, directory / "beat.log", **environment)
    try:
        yield process
    finally:
        process.stop()


@contextlib.contextmanager
def redirects(directory: Path, **environment: str) -> Iterator[httpx.Client]:
    with redirects_server(directory, **environment) as server:
        yield server.client


@contextlib.contextmanager
def web(directory: Path, **environment: str) -> Iterator[httpx.Client]:
    with web_server(directory, **environment) as server:
        yield server.client


@dataclass(frozen=True, slots=True)
class Server:
    """A process that serves HTTP, with a client."""

    process: Process
    client: httpx.Client

    @property
    def port(self) -> int:
        return self.client.base_url.port or 0


def redirects_server(
    directory: Path, **environment: str
) -> AbstractContextManager[Server]:
    port = free_port()
    return _serving(roles.redirects(port), port, directory, environment)


def web_server(directory: Path, **environment: str) -> AbstractContextManager[Server]:
    port = free_port()
    return _serving(roles.web(port), port, directory, environment)


@contextlib.contextmanager
def metrics(directory: Path, **environment: str) -> Iterator[httpx.Client]:
    port = free_port()
    with _serving(roles.metrics(port), port, directory, environment) as server:
        yield server.client


@contextlib.contextmanager
def _serving(
    program: Program, port: int, directory: Path, environment: dict[str, str]
) -> Iterator[Server]:
    environment = {
        "ALLOWED_HOSTS": "127.0.0.1",
        "SPOOL_DIR": str(directory / "spool"),
        **environment,
    }
    process = Process(program, directory / f"{program.name}.log", **environment)
    client = httpx.Client(
        base_url=f"http://127.0.0.1:{port}", timeout=10, limits=LIMITS
    )
    try:
        wait_for(lambda: process.has_logged("") and _is_healthy(client))
        yield Server(process, client)
    finally:
        client.close()
        process.stop()


def _is_healthy(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False
