"""Redirects whose visits are committed, against the same server's bare 302."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks import durability, load, processors, seed, servers, visitors
from benchmarks.comparisons import Comparison, Plan, Sample, Target, Void
from benchmarks.durability import Ledger
from benchmarks.load import Load
from benchmarks.processors import Meter
from benchmarks.servers import Server

# By connections: at 32 the commit is the bound, at 128 the processors are.
LEAST_RATIOS = {32: 0.20, 128: 0.35}
FOUND = 302
# What differs from one redirect to the next.
OWN_HEADERS = frozenset({"location", "set-cookie", "date"})


@dataclass
class Doors:
    """Both servers, and the load they get in turns."""

    redirects: Server
    bare: Server
    load: Load
    plan: Plan
    spool: Path
    ledger: Ledger = field(default_factory=Ledger)

    @property
    def comparisons(self) -> Sequence[Comparison]:
        return [
            Comparison(
                name=f"redirects, {connections} connections",
                unit="requests/s",
                yardstick_name="bare 302",
                ours=partial(self.ours, connections, self.plan.seconds),
                yardstick=partial(self.yardstick, connections, self.plan.seconds),
                target=Target("at least", least_ratio),
            )
            for connections, least_ratio in LEAST_RATIOS.items()
        ]

    def warm_up(self) -> None:
        for connections in LEAST_RATIOS:
            self.yardstick(connections, self.plan.warm_up_seconds)
            self.ours(connections, self.plan.warm_up_seconds)

    def verify(self) -> Mapping[str, float]:
        if self.spool.exists():
            raise Void("Postgres was too slow for some visits: they were spooled")
        return durability.verify(self.ledger)

    def ours(self, connections: int, seconds: int) -> Sample:
        meter = processors.of(self.redirects.pid, processors.postgres())
        sample = self._put(self.redirects, meter, connections, seconds)
        self.ledger.note(int(sample.details["answered"]), connections=connections)
        return sample

    def yardstick(self, connections: int, seconds: int) -> Sample:
        meter = processors.of(self.bare.pid)
        return self._put(self.bare, meter, connections, seconds)

    def _put(
        self, server: Server, meter: Meter, connections: int, seconds: int
    ) -> Sample:
        return meter.measured(
            lambda: self.load.put(
                server.port, connections=connections, seconds=seconds
            ).sample(),
            units=lambda sample: sample.details["answered"],
        )


@contextlib.contextmanager
def opened(plan: Plan, directory: Path) -> Iterator[Doors]:
    durability.expect()
    codes = seed.fresh().codes
    prepared = load.prepare(visitors.requests(codes), directory)
    with (
        servers.redirects(directory, workers=plan.workers) as ours,
        servers.bare(directory, workers=plan.workers) as bare,
    ):
        spool = servers.spool(directory)
        doors = Doors(ours, bare, prepared, plan, spool)
        _expect_alike(doors, codes[0])
        yield doors


def _expect_alike(doors: Doors, code: str) -> None:
    """Both answer 302 with the same headers; a visit is stored for ours."""
    ours, bare = (door.get(f"/{code}") for door in (doors.redirects, doors.bare))
    doors.ledger.note(1, connections=0)
    if (ours.status, bare.status) != (FOUND, FOUND):
        raise Void(f"no redirects: {ours.status} and {bare.status}")
    if _comparable(ours) != _comparable(bare):
        raise Void(f"the bare 302 has other headers: {ours.headers}, {bare.headers}")


def _comparable(answer: servers.Answer) -> list[tuple[str, str]]:
    return sorted(
        (name, "" if name in OWN_HEADERS else value) for name, value in answer.headers
    )
