"""The median of a redirect on one connection, compared with a commit of one row."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from systemtests.benchmarks import (
    comparisons,
    databases,
    dataset,
    durability,
    servers,
    wrk,
)
from systemtests.benchmarks.comparisons import Comparison, Plan, Sample, Target
from systemtests.benchmarks.databases import Connection
from systemtests.benchmarks.durability import Ledger
from systemtests.benchmarks.servers import Server
from systemtests.benchmarks.wrk import Load

CREATE = "CREATE TABLE IF NOT EXISTS bench_row (id uuid PRIMARY KEY, content text)"
INSERT = "INSERT INTO bench_row VALUES (gen_random_uuid(), %s)"
CONTENT = "x" * 400  # about the size of a visit's row
# Few links, which the process has cached, because the commit is measured.
LINKS = 500


@dataclass
class Commits:
    server: Server
    load: Load
    connection: Connection
    ledger: Ledger = field(default_factory=Ledger)

    @property
    def comparisons(self) -> Sequence[Comparison]:
        return [
            Comparison(
                name="one connection, median",
                unit="ms",
                baseline_name="ms a one-row commit",
                ours=self._ours,
                baseline=self._baseline,
                target=Target("at most", 2),
            )
        ]

    def verify(self) -> Mapping[str, float]:
        return self.ledger.verify_visits()

    def _ours(self, seconds: int) -> Sample:
        counts = self.load.send(self.server.port, connections=1, seconds=seconds)
        self.ledger.add(counts.answered, connections=1)
        return Sample(counts.p50 / 1000, {"p99_ms": counts.p99 / 1000})

    def _baseline(self, seconds: int) -> Sample:
        return comparisons.milliseconds(
            lambda: self.connection.execute(INSERT, [CONTENT]), seconds=seconds
        )


@contextlib.contextmanager
def prepare(plan: Plan, directory: Path) -> Iterator[Commits]:
    durability.expect_fsync()
    load = wrk.prepare_opens(dataset.create(LINKS).codes, directory)
    with (
        servers.redirects(directory, workers=1) as server,
        databases.connect() as connection,
    ):
        connection.execute(CREATE)
        yield Commits(server, load, connection)
