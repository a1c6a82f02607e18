"""The processes that are measured, started with production's own command lines."""

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from benchmarks.comparisons import Void
from embedded import ports, roles
from embedded.programs import Program

CHECKOUT = Path(__file__).resolve().parent.parent
BARE = "benchmarks.bare:application"
BARE_WEB = "benchmarks.bare_web:application"
BARE_SETTINGS = {"DJANGO_SETTINGS_MODULE": "benchmarks.bare_settings"}
READY_SECONDS = 30
POLL_SECONDS = 0.1
# Below what `embedded exec` gives its command to stop.
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


@contextlib.contextmanager
def redirects(directory: Path, *, workers: int, **environment: str) -> Iterator[Server]:
    port = ports.pick("PORT")["PORT"]
    command = _with_workers(roles.redirects(port), workers)
    with _serving("redirects", port, command, directory, environment) as server:
        yield server


@contextlib.contextmanager
def bare(directory: Path, *, workers: int) -> Iterator[Server]:
    """On the same server with the same options."""
    port = ports.pick("PORT")["PORT"]
    command = _with_workers(roles.redirects(port, application=BARE), workers)
    with _serving("bare", port, command, directory, {}) as server:
        yield server


@contextlib.contextmanager
def web(directory: Path, *, workers: int, **environment: str) -> Iterator[Server]:
    port = ports.pick("PORT")["PORT"]
    command = _with_workers(roles.web(port), workers)
    with _serving("web", port, command, directory, environment) as server:
        yield server


@contextlib.contextmanager
def bare_web(directory: Path, *, workers: int) -> Iterator[Server]:
    """The same server and options, with a view that only inserts."""
    port = ports.pick("PORT")["PORT"]
    program = roles.web(port)
    command = _with_workers(replace(program, command=_bare(program.command)), workers)
    with _serving("bare_web", port, command, directory, BARE_SETTINGS) as server:
        yield server


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
    command = (sys.executable, "manage.py", "follow_up_visits", "--loop")
    with _running("follower", command, directory, environment):
        yield


def _with_workers(program: Program, workers: int) -> tuple[str, ...]:
    return (*program.command, "--workers", str(workers))  # granian takes the last


def _bare(command: Sequence[str]) -> tuple[str, ...]:
    *server, _ = command
    return (*server, BARE_WEB)


@contextlib.contextmanager
def _serving(
    name: str,
    port: int,
    command: Sequence[str],
    directory: Path,
    environment: Mapping[str, str],
) -> Iterator[Server]:
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
