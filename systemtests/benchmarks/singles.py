"""One new link per request, compared with a Django view that only inserts."""

import contextlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from systemtests import InvalidRun, api_client
from systemtests.benchmarks import cpu_time, databases, dataset, servers, wrk
from systemtests.benchmarks.batches import COUNT, NO_RATE_LIMITS, new_url
from systemtests.benchmarks.comparisons import Comparison, Plan, Sample, Target
from systemtests.benchmarks.databases import Connection
from systemtests.benchmarks.dataset import Dataset
from systemtests.benchmarks.durability import Ledger
from systemtests.benchmarks.servers import Server
from systemtests.benchmarks.wrk import Load

CONNECTIONS = 16
# Prepared for each server, because a link can only be new once; by `is_short`.
REQUESTS = {False: 150_000, True: 40_000}


@dataclass
class Requests:
    """One server and its requests, none of which is sent twice."""

    server: Server
    load: Load
    count: int
    ledger: Ledger  # of both servers
    position: int = 0

    def send(self, seconds: int) -> Sample:
        meter = cpu_time.of(self.server.process, cpu_time.postgres())
        sample = meter.measure(
            lambda: self.load.send(
                self.server.port,
                connections=CONNECTIONS,
                seconds=seconds,
                start=self.position,
            ).sample(),
            count="answered",
        )
        self.ledger.add(sample.details["answered"], connections=CONNECTIONS)
        self.position += int(sample.details["answered"]) + CONNECTIONS
        if self.position > self.count:
            raise InvalidRun(f"{self.count} requests were not enough for the time")
        return sample


@dataclass
class Singles:
    ours: Requests
    baseline: Requests
    ledger: Ledger
    connection: Connection

    @property
    def comparisons(self) -> Sequence[Comparison]:
        return [
            Comparison(
                name=f"one new link a request, {CONNECTIONS} connections",
                unit="requests/s",
                baseline_name="a view that inserts",
                ours=self.ours.send,
                baseline=self.baseline.send,
                target=Target("at least", 0.6),
            )
        ]

    def verify(self) -> Mapping[str, float]:
        stored = databases.scalar(self.connection, COUNT) - dataset.LINKS
        return self.ledger.verify(stored)


@contextlib.contextmanager
def prepare(plan: Plan, directory: Path) -> Iterator[Singles]:
    data = dataset.create()
    numbers = itertools.count()
    count = REQUESTS[plan.is_short]
    loads = [
        wrk.prepare(_requests(data, itertools.islice(numbers, count)), directory / name)
        for name in ("ours", "baseline-requests")
    ]
    with (
        servers.web(directory, workers=plan.workers, **NO_RATE_LIMITS) as ours,
        servers.baseline_web(directory, workers=plan.workers) as baseline,
        databases.connect() as connection,
    ):
        ledger = Ledger()
        yield Singles(
            Requests(ours, loads[0], count, ledger),
            Requests(baseline, loads[1], count, ledger),
            ledger,
            connection,
        )


def _requests(data: Dataset, numbers: Iterator[int]) -> Iterator[bytes]:
    head = (
        f"POST {api_client.SHORT_LINKS} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {data.token}\r\nContent-Type: application/json\r\n"
    ).encode("ascii")
    for number in numbers:
        entity_id = data.entity_ids[number % len(data.entity_ids)]
        request = api_client.link_request(entity_id, new_url(number))
        body = msgspec.json.encode([request])
        yield b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body)
