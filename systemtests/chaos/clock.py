"""A jump of the wall clock, for all processes except the stores."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from devserver import wall_clock
from devserver.errors import RunError
from systemtests import InvalidRun
from systemtests.chaos.faults import Fault
from systemtests.chaos.service import REDIRECTS, Service, heartbeat
from systemtests.polling import wait_for

AFFECTED = (*REDIRECTS, "worker", "beat")
DAY = 24 * 3600
# Beat requests a heartbeat from the worker every 15 s, whatever the clock does.
HEARTBEAT_SECONDS = 40


@dataclass
class ClockJump(Fault):
    """A jump ahead or back; the return to the right time is a jump too."""

    name: str
    seconds: int
    _failures: list[str] = field(default_factory=list)

    def prepare(self, service: Service) -> None:
        self._failures = []
        try:
            environment = wall_clock.prepare(service.base)
        except RunError as error:
            raise InvalidRun(str(error)) from None
        service.restart(*AFFECTED, environment=environment)

    def inject(self, service: Service) -> None:
        wall_clock.set_offset(service.base, self.seconds)

    def lift(self, service: Service) -> None:
        self._expect_heartbeat("after the jump")
        wall_clock.set_offset(service.base, 0)

    def clear(self, service: Service) -> None:
        service.restart(*AFFECTED)

    def broken(self) -> Sequence[str]:
        self._expect_heartbeat("after the jump back")
        return self._failures

    def _expect_heartbeat(self, when: str) -> None:
        before = heartbeat()
        try:
            wait_for(
                lambda: heartbeat() != before,
                f"a heartbeat {when}",
                seconds=HEARTBEAT_SECONDS,
            )
        except InvalidRun as failure:
            self._failures.append(str(failure))
