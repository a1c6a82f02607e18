"""The measured processes, started with the command lines of production."""

import contextlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from deploy import roles
from deploy.programs import Program
from devserver import ports
from systemtests import processes
from systemtests.processes import Process

BASELINE = "systemtests.benchmarks.baseline:application"
BASELINE_WEB = "systemtests.benchmarks.baseline_web:application"
# The last of repeated options counts. Without our reading of bodies, this is faster.
WSGI = ("--interface", "wsgi", "--blocking-threads", "32")
BASELINE_WEB_SETTINGS = "systemtests.benchmarks.baseline_web_settings"
# Less than `devserver exec` grants its command.
STOP_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Server:
    port: int
    process: psutil.Process


def spool(directory: Path) -> Path:
    """Return the folder for visits if Postgres is slow; absent if it never was."""
    return directory / "spool"


def redirects(
    directory: Path, *, workers: int, **environment: str
) -> AbstractContextManager[Server]:
    port = _port()
    return _serve(roles.redirects(port), port, directory, workers, environment)


def baseline(directory: Path, *, workers: int) -> AbstractContextManager[Server]:
    port = _port()
    program = roles.redirects(port, application=BASELINE)
    return _serve(program, port, directory / "baseline", workers, {})


def web(
    directory: Path, *, workers: int, **environment: str
) -> AbstractContextManager[Server]:
    port = _port()
    return _serve(roles.web(port), port, directory, workers, environment)


def baseline_web(directory: Path, *, workers: int) -> AbstractContextManager[Server]:
    port = _port()
    program = roles.web(port)
    command = (*program.command[:-1], *WSGI, BASELINE_WEB)
    program = replace(program, command=command)
    environment = {"DJANGO_SETTINGS_MODULE": BASELINE_WEB_SETTINGS}
    return _serve(program, port, directory / "baseline", workers, environment)


@contextlib.contextmanager
def worker(directory: Path) -> Iterator[psutil.Process]:
    log = directory / "worker.log"
    process = Process(
        replace(roles.worker(), stop_seconds=STOP_SECONDS),
        log,
        is_ready=lambda: "ready." in log.read_text(),
    )
    with _running(process, directory, {}):
        yield process.main


def _port() -> int:
    return ports.pick("PORT")["PORT"]


@contextlib.contextmanager
def _serve(
    program: Program,
    port: int,
    directory: Path,
    workers: int,
    environment: Mapping[str, str],
) -> Iterator[Server]:
    # Granian uses the last --workers of a command line.
    command = (*program.command, "--workers", str(workers))
    program = replace(program, command=command, stop_seconds=STOP_SECONDS)
    log = directory / f"{program.name}.log"
    process = processes.http_server(program, port, log)
    with _running(process, directory, environment):
        yield Server(port, process.main)


@contextlib.contextmanager
def _running(
    process: Process, directory: Path, environment: Mapping[str, str]
) -> Iterator[None]:
    directory.mkdir(exist_ok=True)
    try:
        process.start({"SPOOL_DIR": str(spool(directory)), **environment})
        process.wait_until_ready()
        yield
        process.expect_running()
    finally:
        process.stop()
        for line in process.logged_errors():
            print(f"  {process.program.name} logged: {line}", file=sys.stderr)
