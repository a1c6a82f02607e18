"""Every fault of the suite, by name."""

from faults.clock import DAY, ClockJump
from faults.disk import DiskFull
from faults.kinds import Fault, Simple, freeze, kill, restart
from faults.migration import Migration
from faults.tasks import Poison, Redelivery

PARTS = ("postgres", "valkey", "web", "redirects", "worker", "beat")
SINGLE = [how(part) for part in PARTS for how in (kill, freeze, restart)]
NOTHING = Simple(name="nothing, for comparison", parts=(), inject=lambda _: None)
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
    Poison(),
    Redelivery(),
    Migration(),
]
FAULTS: dict[str, Fault] = {
    fault.name: fault for fault in [NOTHING, *SINGLE, *PAIRS, *OTHERS]
}
