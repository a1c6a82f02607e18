"""Redirects whose visits are committed, compared with a plain 302."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from systemtests import InvalidRun, processes
from systemtests.benchmarks import cpu_time, dataset, durability, servers, wrk
from systemtests.benchmarks.comparisons import Comparison, Plan, Sample, Target
from systemtests.benchmarks.cpu_time import Meter
from systemtests.benchmarks.durability import Ledger
from systemtests.benchmarks.servers import Server
from systemtests.benchmarks.wrk import Load
from systemtests.processes import Answer

# Commits are the limit at 32 connections, the CPUs at 128.
MIN_RATIOS = {32: 0.20, 128: 0.35}
FOUND = 302
# These differ from one redirect to the next.
VARYING_HEADERS = frozenset({"location", "set-cookie", "date"})


@dataclass
class Redirects:
    """Both servers, which get the same load in turn."""

    server: Server
    baseline_server: Server
    load: Load
    spool: Path
    ledger: Ledger = field(default_factory=Ledger)

    @property
    def comparisons(self) -> Sequence[Comparison]:
        return [
            Comparison(
                name=f"redirects, {connections} connections",
                unit="requests/s",
                baseline_name="plain 302",
                ours=partial(self.ours, connections),
                baseline=partial(self.baseline, connections),
                target=Target("at least", min_ratio),
            )
            for connections, min_ratio in MIN_RATIOS.items()
        ]

    def verify(self) -> Mapping[str, float]:
        if self.spool.exists():
            raise InvalidRun("Postgres was too slow, and visits went to the spool")
        return self.ledger.verify_visits()

    def ours(self, connections: int, seconds: int) -> Sample:
        meter = cpu_time.of(self.server.process, cpu_time.postgres())
        sample = self._send(self.server, meter, connections, seconds)
        self.ledger.add(sample.details["answered"], connections=connections)
        return sample

    def baseline(self, connections: int, seconds: int) -> Sample:
        meter = cpu_time.of(self.baseline_server.process)
        return self._send(self.baseline_server, meter, connections, seconds)

    def _send(
        self, server: Server, meter: Meter, connections: int, seconds: int
    ) -> Sample:
        return meter.measure(
            lambda: self.load.send(
                server.port, connections=connections, seconds=seconds
            ).sample(),
            count="answered",
        )


@contextlib.contextmanager
def prepare(plan: Plan, directory: Path) -> Iterator[Redirects]:
    durability.expect_fsync()
    codes = dataset.create().codes
    load = wrk.prepare_opens(codes, directory)
    with (
        servers.redirects(directory, workers=plan.workers) as ours,
        servers.baseline(directory, workers=plan.workers) as baseline,
    ):
        benchmark = Redirects(ours, baseline, load, servers.spool(directory))
        _expect_equal_headers(benchmark, codes[0])
        yield benchmark


def _expect_equal_headers(benchmark: Redirects, code: str) -> None:
    ours = processes.get(benchmark.server.port, f"/{code}")
    baseline = processes.get(benchmark.baseline_server.port, f"/{code}")
    benchmark.ledger.add(1, connections=0)
    if (ours.status, baseline.status) != (FOUND, FOUND):
        raise InvalidRun(f"the answers were {ours.status} and {baseline.status}")
    if _comparable(ours) != _comparable(baseline):
        raise InvalidRun(f"headers differ: {ours.headers}, {baseline.headers}")


def _comparable(answer: Answer) -> list[tuple[str, str]]:
    return sorted(
        (name, "" if name in VARYING_HEADERS else value)
        for name, value in answer.headers
    )
