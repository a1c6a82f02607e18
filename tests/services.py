"""The service's own processes, started as production starts them."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from django.conf import settings

from embedded import roles
from embedded.programs import Program

T = TypeVar("T")

ROOT = Path(settings.BASE_DIR)


def wait_for(condition: Callable[[], Any], *, seconds: float = 30) -> Any:
    """The condition's first true value; fails when the time is over."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {seconds} s in vain"
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


class Process:
    """A running program with its log."""

    def __init__(self, program: Program, log: Path, **environment: str) -> None:
        self.log = log
        self._output = log.open("wb")
        self._process = subprocess.Popen(
            program.command,
            cwd=ROOT,
            env={
                **os.environ,
                "DATABASE_URL": database_url(),
                "LINK_CACHE_SECONDS": "1",
                **program.environment,
                **environment,
            },
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def says(self, words: str) -> bool:
        assert self._process.poll() is None, self.log.read_text()
        return words in self.log.read_text()

    def kill(self) -> None:
        """As by `kill -9`, the children too."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)
        self._output.close()

    def tell_to_stop(self) -> None:
        self._process.terminate()

    def code(self) -> int:
        """Its exit code, once it has ended by itself."""
        return self._process.wait(20)

    def stop(self) -> None:
        """As the process manager stops it; killed if it does not end."""
        if self._process.poll() is None:
            self.tell_to_stop()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait(10)
        self._output.close()


@contextlib.contextmanager
def worker(directory: Path, *, name: str = "worker") -> Iterator[Process]:
    process = Process(roles.worker(), directory / f"{name}.log")
    try:
        wait_for(lambda: process.says("ready."))
        yield process
    finally:
        process.stop()


@contextlib.contextmanager
def beat(directory: Path) -> Iterator[Process]:
    process = Process(roles.beat(directory / "schedule"), directory / "beat.log")
    try:
        yield process
    finally:
        process.stop()


@contextlib.contextmanager
def redirects(directory: Path, **environment: str) -> Iterator[httpx.Client]:
    with redirects_door(directory, **environment) as door:
        yield door.client


@contextlib.contextmanager
def web(directory: Path, **environment: str) -> Iterator[httpx.Client]:
    with web_door(directory, **environment) as door:
        yield door.client


@dataclass(frozen=True, slots=True)
class Door:
    """A process that serves, and a client of it."""

    process: Process
    client: httpx.Client


def redirects_door(directory: Path, **environment: str) -> AbstractContextManager[Door]:
    port = free_port()
    return _serving(roles.redirects(port), port, directory, environment)


def web_door(directory: Path, **environment: str) -> AbstractContextManager[Door]:
    port = free_port()
    return _serving(roles.web(port), port, directory, environment)


@contextlib.contextmanager
def _serving(
    program: Program, port: int, directory: Path, environment: dict[str, str]
) -> Iterator[Door]:
    told = {
        "ALLOWED_HOSTS": "127.0.0.1",
        "SPOOL_DIR": str(directory / "spool"),
        **environment,
    }
    process = Process(program, directory / f"{program.name}.log", **told)
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10)
    try:
        wait_for(lambda: process.says("") and _is_healthy(client))
        yield Door(process, client)
    finally:
        client.close()
        process.stop()


def _is_healthy(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False
