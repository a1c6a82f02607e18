"""The spool's disk is full while Postgres is away: the one loss there is, counted."""

import contextlib
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from faults.service import DOORS, Service
from faults.waiting import Broken, wait_for
from shortlinks.domain import spool

# A few hundred visits of the some thousand that come while Postgres is away.
MOUNTED = "size=128k"
SECONDS = 10


@dataclass
class DiskFull:
    """A real file system of 128 KiB for the spool; needs the right to mount one."""

    name: str = "kill postgres, disk full"
    doors: frozenset[int] = frozenset()
    _lost: int = 0

    def prepare(self, service: Service) -> None:
        directory = _directory(service)
        directory.mkdir(exist_ok=True)
        _run("mount", "-t", "tmpfs", "-o", MOUNTED, "tmpfs", str(directory))
        environment = {"SPOOL_DIR": str(directory / "spool")}
        service.start_again(*DOORS, environment=environment)

    def inject(self, service: Service) -> None:
        service.parts["postgres"].kill()

    def lift(self, service: Service) -> None:
        service.start("postgres")
        full = _directory(service) / "spool"
        wait_for(lambda: not spool.is_waiting(full), "the full disk is replayed")
        self._lost = service.lost()

    def clear(self, service: Service) -> None:
        with contextlib.suppress(Broken):
            service.start_again(*DOORS, environment={})
        unmount(service.base)

    def broken(self) -> Sequence[str]:
        return () if self._lost else ("the disk was never full",)


def unmount(base: Path) -> None:
    """If it is mounted."""
    directory = base / "disk"
    if directory.is_mount():
        _run("umount", "--lazy", str(directory))


def _directory(service: Service) -> Path:
    return service.base / "disk"


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    if done.returncode:
        raise Broken(f"{' '.join(command)}: {done.stderr.strip()}")
