"""Redirects at full speed while a worker follows every visit up."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import durability, redirects, servers, sites
from benchmarks.comparisons import Comparison, Plan, Sample, Target, Void
from benchmarks.redirects import Doors
from benchmarks.sites import Connection

CONNECTIONS = 128
LEAST_RATIO = 0.12
MOST_BACKLOG_SECONDS = 10
GIVE_UP_SECONDS = 300
# Of the load's visits so many are a person's, or it was not judged as it should be.
LEAST_PERSONS = 0.99
PERSONS = "SELECT count(*) FROM shortlinks_visit WHERE verdict = 'person'"


@dataclass
class Followed:
    """Each turn ends when the worker is done, so the yardstick has the processors."""

    doors: Doors
    connection: Connection
    seconds: int
    backlog_seconds: float = 0

    @property
    def comparisons(self) -> Sequence[Comparison]:
        return [
            Comparison(
                name=f"redirects, {CONNECTIONS} connections, followed up",
                unit="requests/s",
                yardstick_name="bare 302",
                ours=partial(self._ours, self.seconds),
                yardstick=partial(self.doors.yardstick, CONNECTIONS, self.seconds),
                target=Target("at least", LEAST_RATIO),
            ),
            Comparison(
                name="backlog after that load",
                unit="s",
                yardstick_name="s of load",
                ours=lambda: Sample(self.backlog_seconds),
                yardstick=lambda: Sample(self.seconds),
                target=Target("at most", MOST_BACKLOG_SECONDS, of="value"),
            ),
        ]

    def warm_up(self) -> None:
        self.doors.yardstick(CONNECTIONS, 1)
        self._ours(1)

    def verify(self) -> Mapping[str, float]:
        evidence = self.doors.verify()
        persons = sites.scalar(self.connection, PERSONS)
        if persons < LEAST_PERSONS * evidence["stored"]:
            raise Void(f"only {persons} visits were judged to be people's")
        return {**evidence, "persons": persons}

    def _ours(self, seconds: int) -> Sample:
        sample = self.doors.ours(CONNECTIONS, seconds)
        self.backlog_seconds = sites.drained(self.connection, within=GIVE_UP_SECONDS)
        return sample


@contextlib.contextmanager
def opened(plan: Plan, directory: Path) -> Iterator[Followed]:
    durability.expect()
    with (
        redirects.opened(plan, directory) as doors,
        servers.worker(directory),
        sites.default().connected() as connection,
    ):
        yield Followed(doors, connection, plan.seconds)
