"""A full disk under the spool while Postgres is unavailable.

This is the only fault in which visits are lost, and the loss must be counted.
"""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from systemtests import InvalidRun
from systemtests.chaos.faults import Fault
from systemtests.chaos.service import REDIRECTS, Service, readiness
from systemtests.polling import wait_for

# Holds a few hundred of the thousands of visits that arrive meanwhile.
MOUNT = ("mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs")
SECONDS = 10


@dataclass
class DiskFull(Fault):
    """Gives each redirect process a small file system that ends with the process."""

    name: str = "kill postgres, disk full"
    _lost: int = 0

    def prepare(self, service: Service) -> None:
        directory = service.base / "disk"
        directory.mkdir(exist_ok=True)
        _try_mounting(directory)
        script = f'{" ".join(MOUNT)} "$SPOOL_DIR" && exec "$@"'
        service.restart(
            *REDIRECTS,
            environment={"SPOOL_DIR": str(directory)},
            wrapper=(*_namespace(), "sh", "-c", script, "sh"),
        )

    def inject(self, service: Service) -> None:
        service.parts["postgres"].kill()

    def lift(self, service: Service) -> None:
        service.start("postgres")
        wait_for(lambda: _are_replayed(service), "the spools are replayed")
        self._lost = service.lost_visits()

    def clear(self, service: Service) -> None:
        service.restart(*REDIRECTS)

    def broken(self) -> Sequence[str]:
        return () if self._lost else ("the disk was never full",)


def _are_replayed(service: Service) -> bool:
    return all(readiness(port)["spool"]["ok"] for port in service.redirect_ports)


def _namespace() -> tuple[str, ...]:
    """Return the command of a namespace in which mounting is permitted."""
    as_root = () if os.geteuid() == 0 else ("--map-root-user",)
    return ("unshare", "--mount", *as_root)


def _try_mounting(directory: Path) -> None:
    command = (*_namespace(), *MOUNT, str(directory))
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    if done.returncode:
        raise InvalidRun(f"no file system could be mounted: {done.stderr.strip()}")
