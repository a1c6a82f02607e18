"""A process with all its children: killed, frozen, told to stop, started again."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import psutil

from deploy.programs import Program
from devserver.store_directories import Credentials
from faults.waiting import wait_for

END_SECONDS = 10


class Process:
    """One part of the service, by its process ids alone."""

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

    def start(
        self,
        environment: Mapping[str, str] | None = None,
        wrapper: tuple[str, ...] = (),
    ) -> None:
        """`environment` adds to what the suite was told; `wrapper` runs the command."""
        told = {**os.environ, **self.program.environment, **(environment or {})}
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                (*wrapper, *self.program.command),
                env=told,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C is for the suite
                **self._credentials,
            )

    def wait_until_ready(self) -> None:
        wait_for(self._is_ready, f"{self.program.name} is ready")

    def kill(self) -> None:
        """At once, as a crash of the machine would: no child lives on."""
        self._signal(self._tree(), signal.SIGKILL)
        self._bury()

    def freeze(self) -> None:
        """The parent first, so that it makes no more children."""
        frozen: set[int] = set()
        while new := [each for each in self._tree() if each.pid not in frozen]:
            self._signal(new, signal.SIGSTOP)
            frozen |= {each.pid for each in new}

    def thaw(self) -> None:
        self._signal(reversed(self._tree()), signal.SIGCONT)

    def stop(self) -> None:
        """As the process manager stops it; by force if that takes too long."""
        if self._process is None:
            return
        family = self._tree()
        self._process.send_signal(self.program.stop_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(self.program.stop_seconds)
        self._signal(family, signal.SIGKILL)
        self._bury()

    def end(self) -> None:
        if self.is_running:
            self.thaw()
            self.kill()

    def pids(self) -> list[int]:
        return [each.pid for each in self._tree()]

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

    def _bury(self) -> None:
        if self._process is not None:
            self._process.wait(END_SECONDS)
        psutil.wait_procs(self._family, timeout=END_SECONDS)
        self._process, self._family = None, []
