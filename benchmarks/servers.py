"""The processes that are measured, started with production's own command lines."""

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import psutil

from benchmarks.comparisons import Void
from deploy import roles
from deploy.programs import Program
from devserver import ports

CHECKOUT = Path(__file__).resolve().parent.parent
BARE = "benchmarks.bare:application"
BARE_WEB = "benchmarks.bare_web:application"
BARE_SETTINGS = {"DJANGO_SETTINGS_MODULE": "benchmarks.bare_settings"}
READY_SECONDS = 30
POLL_SECONDS = 0.1
# Below what `devserver exec` gives its command to stop.
STOP_SECONDS = 5
LOG_LINES = 20


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Server:
    name: str
    port: int
    pid: int

    def answers(self) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            self.get("/healthz")
            return True
        return False

    def get(self, path: str) -> Answer:
        """One request on a connection of its own."""
        client = http.client.HTTPConnection(roles.LOOPBACK, self.port, timeout=2)
        with contextlib.closing(client):
            client.request("GET", path, headers={"User-Agent": "benchmarks"})
            response = client.getresponse()
            return Answer(response.status, tuple(response.getheaders()))


def spool(directory: Path) -> Path:
    """Where visits go when Postgres is slow; not there as long as none has."""
    return directory / "spool"


def redirects(
    directory: Path, *, workers: int, **environment: str
) -> AbstractContextManager[Server]:
    return _door(roles.redirects, directory, workers, environment)


def bare(directory: Path, *, workers: int) -> AbstractContextManager[Server]:
    """On the same server with the same options."""
    program = partial(roles.redirects, application=BARE)
    return _door(program, directory / "bare", workers, {})


def web(
    directory: Path, *, workers: int, **environment: str
) -> AbstractContextManager[Server]:
    return _door(roles.web, directory, workers, environment)


def bare_web(directory: Path, *, workers: int) -> AbstractContextManager[Server]:
    """The same server and options, with a view that only inserts."""
    return _door(_bare_web, directory / "bare", workers, BARE_SETTINGS)


@contextlib.contextmanager
def worker(directory: Path) -> Iterator[psutil.Process]:
    """The Celery worker; its work is done by its one child."""
    program = roles.worker()
    with _running("worker", program.command, directory, program.environment) as started:
        log = directory / "worker.log"
        _wait(lambda: "ready." in log.read_text(), "worker", started, log)
        yield psutil.Process(started.pid)


@contextlib.contextmanager
def follower(directory: Path, **environment: str) -> Iterator[None]:
    """Follows up like a worker, and needs no broker."""
    command = (sys.executable, "manage.py", "process_visits", "--loop")
    with _running("follower", command, directory, environment):
        yield


def _bare_web(port: int) -> Program:
    program = roles.web(port)
    *server, _ = program.command
    return replace(program, command=(*server, BARE_WEB))


@contextlib.contextmanager
def _door(
    program: Callable[[int], Program],
    directory: Path,
    workers: int,
    environment: Mapping[str, str],
) -> Iterator[Server]:
    port = ports.pick("PORT")["PORT"]
    chosen = program(port)
    name = chosen.name
    # granian takes the last number of workers that is named
    command = (*chosen.command, "--workers", str(workers))
    with _running(name, command, directory, environment) as process:
        server = Server(name, port, process.pid)
        _wait(server.answers, name, process, directory / f"{name}.log")
        yield server


@contextlib.contextmanager
def _running(
    name: str, command: Sequence[str], directory: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Ended when this ends, however it ends."""
    directory.mkdir(exist_ok=True)
    log = directory / f"{name}.log"
    spools = {"SPOOL_DIR": str(spool(directory))}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=CHECKOUT,
            env={**os.environ, **spools, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C is for us; and its workers end with it
        )
    try:
        yield process
        if process.poll() is not None:
            raise Void(f"{name} ended:\n{_tail(log)}")
    finally:
        _end(process)


def _wait(
    is_ready: Callable[[], bool],
    name: str,
    process: subprocess.Popen[bytes],
    log: Path,
) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise Void(f"{name} does not start:\n{_tail(log)}")
        time.sleep(POLL_SECONDS)


def _end(process: subprocess.Popen[bytes]) -> None:
    """In order, so that the open batch is written; by force if that takes long."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-LOG_LINES:])
