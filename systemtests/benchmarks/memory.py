"""Memory with many links cached, after many visits, and during a steady load."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import psutil

from systemtests.benchmarks import databases, dataset, processing, servers, wrk
from systemtests.benchmarks.comparisons import Comparison, Plan, Sample, Target
from systemtests.benchmarks.databases import Connection
from systemtests.benchmarks.servers import Server
from systemtests.benchmarks.wrk import Counts, Load

LINKS = 200_000
VISITS = {False: 1_000_000, True: 50_000}  # by `is_short`
BATCH_SIZE = 50_000
STEADY_SECONDS = {False: 1200, True: 60}
# 16 connections that pause between requests send several hundred opens a second.
CONNECTIONS = 16
PAUSE_MS = 20
# The share of the steady load before the first look.
SETTLING_SHARE = 0.25
# The allocator's own changes from minute to minute are smaller.
MAX_GROWTH = 1.05
TIMEOUT_SECONDS = 300


@dataclass
class Memory:
    """Comparisons that run in a fixed order: each continues where the last ended."""

    redirects: Server
    worker: psutil.Process
    load: Load
    connection: Connection
    plan: Plan
    pool: ThreadPoolExecutor

    @property
    def comparisons(self) -> Sequence[Comparison]:
        visits, seconds = VISITS[self.plan.is_short], STEADY_SECONDS[self.plan.is_short]
        return [
            _once(
                f"redirect process, {LINKS:,} links cached",
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
                lambda: self.ended["redirects"],
                lambda: self.settled["redirects"],
                Target("at most", MAX_GROWTH),
            ),
            _once(
                f"worker after {seconds} s of load",
                lambda: self.ended["worker"],
                lambda: self.settled["worker"],
                Target("at most", MAX_GROWTH),
            ),
        ]

    def verify(self) -> Mapping[str, float]:
        return self.ended

    def _with_links(self) -> float:
        self.load.send_all(self.redirects.port, count=LINKS)
        return self._megabytes()["redirects"]

    def _with_visits(self) -> float:
        for _ in range(VISITS[self.plan.is_short] // BATCH_SIZE):
            databases.insert_due(self.connection, BATCH_SIZE, links=dataset.LINKS)
            with processing.sweeping():
                self._wait_until_processed()
        return self._megabytes()["worker"]

    @cached_property
    def empty(self) -> Mapping[str, float]:
        """The memory after a second of load."""
        self.load.send(self.redirects.port, connections=1, seconds=1)
        self._wait_until_processed()
        return self._megabytes()

    @cached_property
    def steady(self) -> "Future[Counts]":
        return self.pool.submit(
            self.load.send,
            self.redirects.port,
            connections=CONNECTIONS,
            seconds=STEADY_SECONDS[self.plan.is_short],
            pause_ms=PAUSE_MS,
        )

    @cached_property
    def settled(self) -> Mapping[str, float]:
        """The memory some time after the start of the steady load."""
        _ = self.steady  # starts the load
        time.sleep(STEADY_SECONDS[self.plan.is_short] * SETTLING_SHARE)
        return self._megabytes()

    @cached_property
    def ended(self) -> Mapping[str, float]:
        """The memory after the steady load."""
        answered = self.steady.result().answered
        self._wait_until_processed()
        return {**self._megabytes(), "answered": answered}

    def _wait_until_processed(self) -> None:
        databases.wait_until_processed(self.connection, seconds=TIMEOUT_SECONDS)

    def _megabytes(self) -> dict[str, float]:
        return {
            "redirects": _resident(self.redirects.process),
            "worker": _resident(self.worker),
        }


def _once(
    name: str, ours: Callable[[], float], baseline: Callable[[], float], target: Target
) -> Comparison:
    return Comparison(
        name=name,
        unit="MB",
        baseline_name="MB before",
        ours=lambda _: Sample(ours()),
        baseline=lambda _: Sample(baseline()),
        target=target,
        is_repeated=False,
    )


def _resident(main: psutil.Process) -> float:
    """Return the megabytes of the child that works, with its shared pages."""
    return max(child.memory_info().rss for child in main.children()) / 1e6


@contextlib.contextmanager
def prepare(plan: Plan, directory: Path) -> Iterator[Memory]:
    load = wrk.prepare_opens(dataset.create(LINKS).codes, directory)
    # Long enough that no link expires before the last one is cached.
    environment = {"LINK_CACHE_TTL_SECONDS": "300"}
    with (
        databases.connect() as connection,
        servers.redirects(directory, workers=1, **environment) as server,
        servers.worker(directory) as worker,
        ThreadPoolExecutor(1) as pool,
    ):
        yield Memory(server, worker, load, connection, plan, pool)
