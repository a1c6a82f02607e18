"""Every fault of the suite, by name."""

from faults.kinds import Fault, freeze, kill, restart

PARTS = ("postgres", "valkey", "web", "redirects", "worker", "beat")
SINGLE = [how(part) for part in PARTS for how in (kill, freeze, restart)]
PAIRS = [
    freeze("postgres", "valkey"),
    kill("postgres", "redirects"),
    kill("valkey", "worker"),
    kill("postgres", "worker"),
    kill("worker", "beat"),
]
FAULTS: dict[str, Fault] = {fault.name: fault for fault in [*SINGLE, *PAIRS]}
