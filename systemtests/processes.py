"""A process with all its children: started, killed, frozen, stopped."""

import contextlib
import http.client
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import psutil

from deploy.programs import Program
from deploy.roles import LOOPBACK
from devserver.store_directories import Credentials
from systemtests import CHECKOUT, InvalidRun
from systemtests.polling import wait_for

END_SECONDS = 10
READY_SECONDS = 60
LOG_LINES = 20


class Answer(NamedTuple):
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Process:
    """One part of the service."""

    def __init__(
        self,
        program: Program,
        log: Path,
        *,
        is_ready: Callable[[], bool],
        credentials: Credentials | None = None,
    ) -> None:
        self.program = program
        self._log = log
        self._is_ready = is_ready
        self._credentials = credentials or Credentials()
        self._process: subprocess.Popen[bytes] | None = None
        self._family: list[psutil.Process] = []

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def main(self) -> psutil.Process:
        if self._process is None:
            raise InvalidRun(f"{self.program.name} is not running")
        return psutil.Process(self._process.pid)

    def start(
        self,
        environment: Mapping[str, str] | None = None,
        wrapper: tuple[str, ...] = (),
    ) -> None:
        """Start the program with more environment, as an argument of the wrapper."""
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                (*wrapper, *self.program.command),
                cwd=CHECKOUT,
                env={**os.environ, **self.program.environment, **(environment or {})},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C is for the suite
                **self._credentials,
            )

    def wait_until_ready(self) -> None:
        def is_ready() -> bool:
            self.expect_running()
            return self._is_ready()

        wait_for(is_ready, f"{self.program.name} is ready", seconds=READY_SECONDS)

    def expect_running(self) -> None:
        if not self.is_running:
            lines = self._log.read_text(errors="replace").splitlines()[-LOG_LINES:]
            raise InvalidRun("\n".join([f"{self.program.name} ended:", *lines]))

    def logged_errors(self) -> list[str]:
        """Return the log from its first error, at most 20 lines."""
        lines = self._log.read_text(errors="replace").splitlines()
        is_error = re.compile(r" (?:ERROR|CRITICAL) ").search
        errors = (n for n, line in enumerate(lines) if is_error(line))
        return lines[next(errors, len(lines)) :][:LOG_LINES]

    def kill(self) -> None:
        """Kill all at once, as a crash of the machine would."""
        self._signal(self._tree(), signal.SIGKILL)
        self._reap()

    def freeze(self) -> None:
        """Stop the parent first, so that it starts no more children."""
        frozen: set[int] = set()
        while new := [each for each in self._tree() if each.pid not in frozen]:
            self._signal(new, signal.SIGSTOP)
            frozen |= {each.pid for each in new}

    def thaw(self) -> None:
        self._signal(reversed(self._tree()), signal.SIGCONT)

    def stop(self) -> None:
        """Stop as a process manager does: kill what is left after `stop_seconds`."""
        if self._process is None:
            return
        family = self._tree()
        self._process.send_signal(self.program.stop_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(self.program.stop_seconds)
        self._signal(family, signal.SIGKILL)
        self._reap()

    def end(self) -> None:
        if self.is_running:
            self.thaw()
            self.kill()

    def _tree(self) -> list[psutil.Process]:
        if self._process is None:
            return []
        with contextlib.suppress(psutil.NoSuchProcess):
            root = psutil.Process(self._process.pid)
            self._family = [root, *root.children(recursive=True)]
        return [each for each in self._family if each.is_running()]

    def _signal(self, processes: Iterable[psutil.Process], signum: int) -> None:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signum)

    def _reap(self) -> None:
        if self._process is not None:
            self._process.wait(END_SECONDS)
        psutil.wait_procs(self._family, timeout=END_SECONDS)
        self._process, self._family = None, []


def http_server(program: Program, port: int, log: Path) -> Process:
    return Process(program, log, is_ready=lambda: _is_healthy(port))


def get(port: int, path: str) -> Answer:
    """Send a request on its own connection."""
    client = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    with contextlib.closing(client):
        client.request("GET", path, headers={"User-Agent": "systemtests"})
        response = client.getresponse()
        return Answer(response.status, response.getheaders(), response.read())


def _is_healthy(port: int) -> bool:
    try:
        # A baseline answers every request with 302.
        return get(port, "/healthz").status < http.client.INTERNAL_SERVER_ERROR
    except (OSError, http.client.HTTPException):
        return False
