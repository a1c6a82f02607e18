"""The wall clock jumps a day, for all processes but the stores."""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from faults.service import DOORS, Service, heartbeat
from faults.waiting import Broken, wait_for

SOURCE = Path(__file__).with_name("wall_clock.c")
HIT = (*DOORS, "worker", "beat")
DAY = 24 * 3600
COMPILE_SECONDS = 60
# Beat asks the worker for a heartbeat every 15 s; a clock must not end that.
HEARTBEAT_SECONDS = 40


@dataclass
class ClockJump:
    """Ahead or back, and after a while back to where it was, which is a jump, too."""

    name: str
    seconds: int
    doors: frozenset[int] = frozenset()
    _failures: list[str] = field(default_factory=list)

    def prepare(self, service: Service) -> None:
        self._failures = []
        library = _compiled(service.base)
        clock = service.base / "clock"
        clock.write_bytes(bytes(8))
        environment = {"LD_PRELOAD": str(library), "FAULTS_CLOCK": str(clock)}
        service.start_again(*HIT, environment=environment)

    def inject(self, service: Service) -> None:
        _set(service, self.seconds)

    def lift(self, service: Service) -> None:
        self._expect_a_heartbeat("after the jump")
        _set(service, 0)

    def clear(self, service: Service) -> None:
        service.start_again(*HIT)

    def broken(self) -> Sequence[str]:
        self._expect_a_heartbeat("after the jump back")
        return self._failures

    def _expect_a_heartbeat(self, when: str) -> None:
        before = heartbeat()
        try:
            wait_for(
                lambda: heartbeat() != before,
                f"a heartbeat comes {when}",
                seconds=HEARTBEAT_SECONDS,
            )
        except Broken as broken:
            self._failures.append(str(broken))


def _set(service: Service, seconds: int) -> None:
    """In place: the processes have the file mapped."""
    with (service.base / "clock").open("r+b") as clock:
        clock.write(seconds.to_bytes(8, "little", signed=True))


def _compiled(base: Path) -> Path:
    compiler = shutil.which("cc")
    if compiler is None:
        raise Broken("no clock to move: a C compiler is needed (Debian: gcc)")
    library = base / "wall_clock.so"
    command = (compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE))
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=COMPILE_SECONDS
    )
    if done.returncode:
        raise Broken(f"no clock to move: {done.stderr}")
    return library
