"""Memory: with many links cached, after many visits, and whether it grows."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks import filling, follow_up, load, seed, servers, sites, visitors
from benchmarks.comparisons import Comparison, Plan, Sample, Target, Void
from benchmarks.load import Counted, Load
from benchmarks.servers import Server
from benchmarks.sites import Connection

CACHED = 200_000
VISITS = {False: 1_000_000, True: 50_000}
CHUNK = 50_000
STEADY_SECONDS = {False: 1200, True: 60}
# 16 connections that pause between requests: several hundred opens a second.
CONNECTIONS = 16
PAUSE_MS = 20
# Of the steady load, so much goes by before the first look.
SETTLED = 0.25
# What the allocator does from one minute to the next is no growth.
MOST_GROWTH = 1.05
DRAIN_SECONDS = 300


@dataclass
class Memory:
    """Comparisons in their order: each goes on where the last one ended."""

    redirects: Server
    worker: psutil.Process
    load: Load
    connection: Connection
    plan: Plan
    pool: ThreadPoolExecutor
    empty: dict[str, float] = field(default_factory=dict)
    steady: "Future[Counted] | None" = None
    settled: dict[str, float] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)

    @property
    def comparisons(self) -> Sequence[Comparison]:
        visits, seconds = VISITS[self.plan.is_short], STEADY_SECONDS[self.plan.is_short]
        return [
            _once(
                f"redirect process, {CACHED:,} links cached",
                self._with_links,
                lambda: self.empty["redirects"],
                Target("at most", 150, of="value"),
            ),
            _once(
                f"worker after {visits:,} visits",
                self._with_visits,
                lambda: self.empty["worker"],
                Target("at most", 250, of="value"),
            ),
            _once(
                f"redirect process after {seconds} s of load",
                lambda: self._at_end()["redirects"],
                lambda: self._at_beginning()["redirects"],
                Target("at most", MOST_GROWTH),
            ),
            _once(
                f"worker after {seconds} s of load",
                lambda: self._at_end()["worker"],
                lambda: self._at_beginning()["worker"],
                Target("at most", MOST_GROWTH),
            ),
        ]

    def warm_up(self) -> None:
        self.load.put(self.redirects.port, connections=1, seconds=1)
        sites.drained(self.connection, within=DRAIN_SECONDS)
        self.empty = self._now()

    def verify(self) -> Mapping[str, float]:
        return self.ended

    def _with_links(self) -> float:
        """Every link is asked for, so all are cached when the last one is."""
        self.load.put_all(self.redirects.port, count=CACHED)
        return self._now()["redirects"]

    def _with_visits(self) -> float:
        for _ in range(VISITS[self.plan.is_short] // CHUNK):
            sites.make_due(self.connection, CHUNK, links=seed.LINKS)
            follow_up.ring()
            sites.drained(self.connection, within=DRAIN_SECONDS)
        return self._now()["worker"]

    def _at_beginning(self) -> Mapping[str, float]:
        """Begins the steady load, once, and lets it settle."""
        if self.steady is None:
            seconds = STEADY_SECONDS[self.plan.is_short]
            self.steady = self.pool.submit(
                self.load.put,
                self.redirects.port,
                connections=CONNECTIONS,
                seconds=seconds,
                pause_ms=PAUSE_MS,
            )
            time.sleep(seconds * SETTLED)
            self.settled = self._now()
        return self.settled

    def _at_end(self) -> Mapping[str, float]:
        if not self.ended:
            if self.steady is None:
                raise Void("there was no steady load")
            counted = self.steady.result()
            sites.drained(self.connection, within=DRAIN_SECONDS)
            self.ended = {**self._now(), "answered": counted.answered}
        return self.ended

    def _now(self) -> dict[str, float]:
        return {
            "redirects": _megabytes(psutil.Process(self.redirects.pid)),
            "worker": _megabytes(self.worker),
        }


def _once(
    name: str, ours: Callable[[], float], yardstick: Callable[[], float], target: Target
) -> Comparison:
    return Comparison(
        name=name,
        unit="MB",
        yardstick_name="MB before",
        ours=lambda: Sample(ours()),
        yardstick=lambda: Sample(yardstick()),
        target=target,
        rounds=1,
    )


def _megabytes(main: psutil.Process) -> float:
    """Resident, of the process that does the work; shared pages count as its own."""
    return max(child.memory_info().rss for child in main.children()) / 1e6


@contextlib.contextmanager
def opened(plan: Plan, directory: Path) -> Iterator[Memory]:
    seed.fresh()
    site = sites.default()
    with site.connected() as connection:
        filling.links(connection, CACHED - seed.LINKS)
        codes = filling.codes(connection)
        prepared = load.prepare(visitors.requests(codes), directory)
        # So long that none is asked for anew while the last ones come.
        environment = {"LINK_CACHE_TTL_SECONDS": "300"}
        with (
            servers.redirects(directory, workers=1, **environment) as server,
            servers.worker(directory) as worker,
            ThreadPoolExecutor(1) as pool,
        ):
            yield Memory(server, worker, prepared, connection, plan, pool)
