"""The processes that are measured, started with production's own command lines."""

import contextlib
import http.client
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.comparisons import Void
from embedded import ports, roles

CHECKOUT = Path(__file__).resolve().parent.parent
BARE = "benchmarks.bare:application"
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
def redirects(directory: Path, *, workers: int) -> Iterator[Server]:
    port = ports.pick("PORT")["PORT"]
    command = roles.redirects(port).command
    with _running(Server("redirects", port), command, workers, directory) as server:
        yield server


@contextlib.contextmanager
def bare(directory: Path, *, workers: int) -> Iterator[Server]:
    """On the same server with the same options."""
    port = ports.pick("PORT")["PORT"]
    command = roles.redirects(port, application=BARE).command
    with _running(Server("bare", port), command, workers, directory) as server:
        yield server


@contextlib.contextmanager
def _running(
    server: Server, command: tuple[str, ...], workers: int, directory: Path
) -> Iterator[Server]:
    """Ended when this ends, however it ends."""
    log = directory / f"{server.name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            (*command, "--workers", str(workers)),  # granian takes the last one named
            cwd=CHECKOUT,
            env={**os.environ, "SPOOL_DIR": str(spool(directory))},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C is for us; and its workers end with it
        )
    try:
        _wait(server, process, log)
        yield server
        if process.poll() is not None:
            raise Void(f"{server.name} ended:\n{_tail(log)}")
    finally:
        _end(process)


def _wait(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            server.get("/healthz")
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise Void(f"{server.name} does not start:\n{_tail(log)}")
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
