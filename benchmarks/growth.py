"""The same work beside millions of rows and beside thousands, in turns."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.db import connection as django_connection

from benchmarks import calls, durability, filling, load, seed, servers, sites, visitors
from benchmarks.calls import Caller
from benchmarks.comparisons import Comparison, Plan, Sample, Target
from benchmarks.creation import LIMITS
from benchmarks.load import Load
from benchmarks.seed import Seeded
from benchmarks.servers import Server
from benchmarks.sites import Connection, Site

VISITS_OF_A_LINK = 2
FOLLOWED = {False: 20_000, True: 5_000}
WITHIN_SECONDS = 300
MOST_SLOWER = 1.25
LEAST_FOLLOWED = 0.8
ROWS = "SELECT count(*) FROM shortlinks_{}"


@dataclass(frozen=True, slots=True)
class Service:
    """One site's processes, and who calls them."""

    redirects: Server
    caller: Caller
    connection: Connection
    load: Load

    def redirect(self, seconds: int) -> Sample:
        counted = self.load.put(self.redirects.port, connections=1, seconds=seconds)
        sites.drained(self.connection, within=WITHIN_SECONDS)
        return Sample(counted.p50 / 1000, {"p99_ms": counted.p99 / 1000})

    def create(self, seconds: int) -> Sample:
        self.caller.begin()
        return calls.milliseconds(
            lambda: self.caller.post("/api/v4/short_links", calls.new_orders()),
            seconds=seconds,
        )

    def notes(self, seconds: int) -> Sample:
        self.caller.begin()
        path = f"/api/v4/contacts/{seed.FIRST_ENTITY_ID}/notes"
        return calls.milliseconds(lambda: self.caller.get(path), seconds=seconds)

    def follow_up(self, count: int) -> Sample:
        sites.make_due(self.connection, count, links=seed.LINKS)
        return Sample(
            sites.follow_up_rate(self.connection, count, within=WITHIN_SECONDS)
        )


@dataclass(frozen=True, slots=True)
class Growth:
    large: Service
    small: Service
    plan: Plan

    @property
    def comparisons(self) -> Sequence[Comparison]:
        seconds = self.plan.seconds
        slower = Target("at most", MOST_SLOWER)
        followed = Target("at least", LEAST_FOLLOWED)
        count = FOLLOWED[self.plan.is_short]
        return [
            self._both("redirect, median", "ms", slower, lambda s: s.redirect(seconds)),
            self._both(
                f"{calls.BATCH} links, median",
                "ms",
                slower,
                lambda s: s.create(seconds),
            ),
            self._both("a contact's notes", "ms", slower, lambda s: s.notes(seconds)),
            self._both("follow-up", "visits/s", followed, lambda s: s.follow_up(count)),
        ]

    def warm_up(self) -> None:
        for service in (self.small, self.large):
            # Redis has the small site's links from when they were made.
            service.load.put_all(service.redirects.port, count=seed.LINKS)
            service.redirect(self.plan.warm_up_seconds)
            service.create(1)
            # a note for the contact whose notes are asked for
            sites.make_due(service.connection, 10, links=1)
            sites.drained(service.connection, within=WITHIN_SECONDS)
            service.notes(1)
            service.follow_up(2_000)

    def verify(self) -> Mapping[str, float]:
        durability.expect()
        return {
            f"{name} {table}s": sites.scalar(service.connection, ROWS.format(table))
            for name, service in (("large", self.large), ("small", self.small))
            for table in ("shortlink", "visit", "note")
        }

    def _both(
        self,
        name: str,
        unit: str,
        target: Target,
        measure: Callable[[Service], Sample],
    ) -> Comparison:
        return Comparison(
            name=f"grown: {name}",
            unit=unit,
            yardstick_name=f"{unit} with {seed.LINKS:,} links",
            ours=lambda: measure(self.large),
            yardstick=lambda: measure(self.small),
            target=target,
        )


@contextlib.contextmanager
def opened(plan: Plan, directory: Path) -> Iterator[Growth]:
    seeded = seed.fresh()
    django_connection.close()  # nobody may be connected to what is copied
    small = sites.default()
    large = sites.copy_of(small, "bench_large")
    with large.connected() as connection:
        visits = plan.links * VISITS_OF_A_LINK
        filling.years(connection, links_=plan.links, visits=visits)
    with small.connected() as connection:
        sites.make_due(connection, seed.LINKS, links=seed.LINKS)
    prepared = load.prepare(visitors.requests(seeded.codes), directory)
    with (
        _served(small, directory / "small", prepared, seeded) as ours,
        _served(large, directory / "large", prepared, seeded) as theirs,
    ):
        yield Growth(theirs, ours, plan)


@contextlib.contextmanager
def _served(
    site: Site, directory: Path, prepared: Load, seeded: Seeded
) -> Iterator[Service]:
    directory.mkdir()
    environment = site.environment
    with (
        servers.redirects(directory, workers=1, **environment) as redirects,
        servers.web(directory, workers=1, **LIMITS, **environment) as web,
        servers.follower(directory, **environment),
        calls.caller(web.port, seeded.token) as caller,
        site.connected() as connection,
    ):
        yield Service(redirects, caller, connection, prepared)
