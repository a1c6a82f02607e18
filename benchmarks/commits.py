"""One connection: a redirect's median against a bare one-row commit from Python."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks import calls, durability, load, seed, servers, sites, visitors
from benchmarks.comparisons import Comparison, Plan, Sample, Target
from benchmarks.durability import Ledger
from benchmarks.load import Load
from benchmarks.servers import Server
from benchmarks.sites import Connection

TABLE = "CREATE TABLE IF NOT EXISTS bench_row (id uuid PRIMARY KEY, said text)"
INSERT = "INSERT INTO bench_row VALUES (gen_random_uuid(), %s)"
SAID = "x" * 400  # about what a visit's row has
# Few enough to stay in the process' cache: it is the commit that is measured.
LINKS = 500


@dataclass
class OneConnection:
    server: Server
    load: Load
    plan: Plan
    connection: Connection
    ledger: Ledger = field(default_factory=Ledger)

    @property
    def comparisons(self) -> Sequence[Comparison]:
        return [
            Comparison(
                name="one connection, median",
                unit="ms",
                yardstick_name="ms a one-row commit",
                ours=partial(self._ours, self.plan.seconds),
                yardstick=partial(self._yardstick, self.plan.seconds),
                target=Target("at most", 2),
            )
        ]

    def warm_up(self) -> None:
        self._yardstick(1)
        self._ours(self.plan.warm_up_seconds)

    def verify(self) -> Mapping[str, float]:
        return durability.verify(self.ledger)

    def _ours(self, seconds: int) -> Sample:
        counted = self.load.put(self.server.port, connections=1, seconds=seconds)
        self.ledger.note(counted.answered, connections=1)
        return Sample(counted.p50 / 1000, {"p99_ms": counted.p99 / 1000})

    def _yardstick(self, seconds: int) -> Sample:
        def commit() -> None:
            self.connection.execute(INSERT, [SAID])

        return calls.milliseconds(commit, seconds=seconds)


@contextlib.contextmanager
def opened(plan: Plan, directory: Path) -> Iterator[OneConnection]:
    durability.expect()
    codes = seed.fresh().codes[:LINKS]
    prepared = load.prepare(visitors.requests(codes), directory)
    with (
        servers.redirects(directory, workers=1) as server,
        sites.default().connected() as connection,
    ):
        connection.execute(TABLE)
        yield OneConnection(server, prepared, plan, connection)
