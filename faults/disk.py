"""The spool's disk is full while Postgres is away: the one loss there is, counted."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from faults.service import DOORS, Service, ready
from faults.waiting import Broken, wait_for

# A few hundred visits of the some thousand that come while Postgres is away.
MOUNT = ("mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs")
SECONDS = 10


@dataclass
class DiskFull:
    """Each redirects' process has a file system of its own, which goes with it."""

    name: str = "kill postgres, disk full"
    doors: frozenset[int] = frozenset()
    _lost: int = 0

    def prepare(self, service: Service) -> None:
        directory = service.base / "disk"
        directory.mkdir(exist_ok=True)
        _try_mounting(directory)
        script = f'{" ".join(MOUNT)} "$SPOOL_DIR" && exec "$@"'
        service.start_again(
            *DOORS,
            environment={"SPOOL_DIR": str(directory)},
            wrapper=(*_namespace(), "sh", "-c", script, "sh"),
        )

    def inject(self, service: Service) -> None:
        service.parts["postgres"].kill()

    def lift(self, service: Service) -> None:
        service.start("postgres")
        wait_for(lambda: _are_replayed(service), "the full disks are replayed")
        self._lost = service.lost()

    def clear(self, service: Service) -> None:
        service.start_again(*DOORS)

    def broken(self) -> Sequence[str]:
        return () if self._lost else ("the disk was never full",)


def _are_replayed(service: Service) -> bool:
    return all(ready(port)["spool"]["ok"] for port in service.door_ports)


def _namespace() -> tuple[str, ...]:
    """Where mounting is permitted, and seen by nobody else."""
    as_root = () if os.geteuid() == 0 else ("--map-root-user",)
    return ("unshare", "--mount", *as_root)


def _try_mounting(directory: Path) -> None:
    command = (*_namespace(), *MOUNT, str(directory))
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    if done.returncode:
        raise Broken(f"no file system to fill: {done.stderr.strip()}")
