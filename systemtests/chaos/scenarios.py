"""All faults of the suite, by name."""

from systemtests.chaos.clock import DAY, ClockJump
from systemtests.chaos.disk import DiskFull
from systemtests.chaos.faults import Fault, NoFault, freeze, kill, restart
from systemtests.chaos.flood import Flood
from systemtests.chaos.migration import Migration
from systemtests.chaos.tasks import PoisonRow, Redelivery

PARTS = ("postgres", "valkey", "web", "redirects", "worker", "beat")
SINGLE = [how(part) for part in PARTS for how in (kill, freeze, restart)]
PAIRS = [
    freeze("postgres", "valkey"),
    kill("postgres", "redirects"),
    kill("valkey", "worker"),
    kill("postgres", "worker"),
    kill("worker", "beat"),
]
OTHERS: list[Fault] = [
    DiskFull(),
    ClockJump("the clock a day ahead", DAY),
    ClockJump("the clock a day back", -DAY),
    PoisonRow(),
    Redelivery(),
    Migration(),
    Flood(),
]
FAULTS: dict[str, Fault] = {
    fault.name: fault for fault in [NoFault(), *SINGLE, *PAIRS, *OTHERS]
}
