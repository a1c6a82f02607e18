"""Redirects at full speed while a worker processes every visit."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from systemtests import InvalidRun
from systemtests.benchmarks import databases, processing, redirects, servers
from systemtests.benchmarks.comparisons import Comparison, Plan, Sample, Target
from systemtests.benchmarks.databases import Connection
from systemtests.benchmarks.redirects import Redirects

CONNECTIONS = 128
MIN_RATIO = 0.12
MAX_BACKLOG_SECONDS = 10
TIMEOUT_SECONDS = 300
# With fewer, the load would not look like people.
MIN_PERSON_SHARE = 0.99
PERSONS = "SELECT count(*) FROM shortlinks_visit WHERE verdict = 'person'"


@dataclass
class RedirectsWhileProcessing:
    """A sample ends with the backlog, so that the baseline has the CPUs to itself."""

    redirects: Redirects
    connection: Connection
    backlog_seconds: float = 0

    @property
    def comparisons(self) -> Sequence[Comparison]:
        return [
            Comparison(
                name=f"redirects, {CONNECTIONS} connections, while processing",
                unit="requests/s",
                baseline_name="plain 302",
                ours=self._ours,
                baseline=partial(self.redirects.baseline, CONNECTIONS),
                target=Target("at least", MIN_RATIO),
            ),
            Comparison(
                name="backlog after that load",
                unit="s",
                baseline_name="s of load",
                ours=lambda _: Sample(self.backlog_seconds),
                baseline=Sample,
                target=Target("at most", MAX_BACKLOG_SECONDS, of="value"),
            ),
        ]

    def verify(self) -> Mapping[str, float]:
        evidence = self.redirects.verify()
        persons = databases.scalar(self.connection, PERSONS)
        if persons < MIN_PERSON_SHARE * evidence["stored"]:
            raise InvalidRun(f"only {persons} visits were classified as people's")
        return {**evidence, "persons": persons}

    def _ours(self, seconds: int) -> Sample:
        sample = self.redirects.ours(CONNECTIONS, seconds)
        with processing.sweeping():
            self.backlog_seconds = databases.wait_until_processed(
                self.connection, seconds=TIMEOUT_SECONDS
            )
        return sample


@contextlib.contextmanager
def prepare(plan: Plan, directory: Path) -> Iterator[RedirectsWhileProcessing]:
    with (
        redirects.prepare(plan, directory) as redirecting,
        servers.worker(directory),
        databases.connect() as connection,
    ):
        yield RedirectsWhileProcessing(redirecting, connection)
