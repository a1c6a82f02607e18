"""New links: a batch against the bare insert, and one against a view that inserts."""

import contextlib
import itertools
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import msgspec

from benchmarks import (
    bare_rows,
    calls,
    durability,
    load,
    processors,
    seed,
    servers,
    sites,
)
from benchmarks.calls import Caller
from benchmarks.comparisons import Comparison, Plan, Sample, Target, Void
from benchmarks.load import Load
from benchmarks.seed import Seeded
from benchmarks.servers import Server
from benchmarks.sites import Connection

CONNECTIONS = 16
COUNT = "SELECT count(*) FROM shortlinks_shortlink"
# Neither door's requests are asked for twice.
PREPARED = {False: 150_000, True: 40_000}
LIMITS = {
    "ALLOWED_HOSTS": "127.0.0.1",
    "API_RATE_LIMIT_PER_TOKEN": "100000",
    "API_RATE_LIMIT_PER_ACCOUNT": "100000",
}


@dataclass
class Batches:
    server: Server
    caller: Caller
    connection: Connection
    account_id: int
    contacts: Sequence[int]
    plan: Plan
    asked: int = 0

    @property
    def comparisons(self) -> Sequence[Comparison]:
        return [
            Comparison(
                name=f"{calls.BATCH} new links in a request",
                unit="ms",
                yardstick_name="ms the bare insert",
                ours=partial(self._ours, self.plan.seconds),
                yardstick=partial(self._yardstick, self.plan.seconds),
                target=Target("at most", 5),
            )
        ]

    def warm_up(self) -> None:
        self._yardstick(1)
        self._ours(self.plan.warm_up_seconds)

    def verify(self) -> Mapping[str, float]:
        durability.expect()
        stored = sites.scalar(self.connection, COUNT)
        if stored != seed.LINKS + self.asked:
            raise Void(f"{self.asked} links were ordered, {stored} are there")
        return {"links": stored}

    def _ours(self, seconds: float) -> Sample:
        self.caller.begin()
        meter = processors.of(self.server.pid, processors.postgres())
        sample = meter.measured(
            lambda: calls.milliseconds(
                lambda: self.caller.post("/api/v4/short_links", calls.new_orders()),
                seconds=seconds,
            ),
            units=lambda sample: sample.details["calls"],
        )
        self.asked += int(sample.details["calls"]) * calls.BATCH
        return sample

    def _yardstick(self, seconds: float) -> Sample:
        def insert() -> None:
            urls = [str(order["url"]) for order in calls.new_orders()]
            columns = bare_rows.columns(self.contacts[: calls.BATCH], urls)
            about = {"account": self.account_id, "batch": uuid.uuid4()}
            self.connection.execute(bare_rows.INSERT_MANY, columns | about)

        sample = processors.of(processors.postgres()).measured(
            lambda: calls.milliseconds(insert, seconds=seconds),
            units=lambda sample: sample.details["calls"],
        )
        self.asked += int(sample.details["calls"]) * calls.BATCH
        return sample


@dataclass
class Requests:
    """One server's requests, none of which is put twice."""

    server: Server
    load: Load
    count: int
    at: int = 0
    answered: int = 0
    cut: int = 0

    def put(self, seconds: int) -> Sample:
        meter = processors.of(self.server.pid, processors.postgres())
        sample = meter.measured(
            lambda: self.load.put(
                self.server.port,
                connections=CONNECTIONS,
                seconds=seconds,
                start=self.at,
            ).sample(),
            units=lambda sample: sample.details["answered"],
        )
        answered = int(sample.details["answered"])
        self.at += answered + CONNECTIONS
        self.answered += answered
        self.cut += CONNECTIONS
        if self.at > self.count:
            raise Void(f"{self.count} requests were not enough: some came twice")
        return sample


@dataclass
class Singles:
    ours: Requests
    bare: Requests
    connection: Connection
    plan: Plan
    evidence: dict[str, float] = field(default_factory=dict)

    @property
    def comparisons(self) -> Sequence[Comparison]:
        return [
            Comparison(
                name=f"one new link a request, {CONNECTIONS} connections",
                unit="requests/s",
                yardstick_name="a view that inserts",
                ours=partial(self.ours.put, self.plan.seconds),
                yardstick=partial(self.bare.put, self.plan.seconds),
                target=Target("at least", 0.6),
            )
        ]

    def warm_up(self) -> None:
        self.bare.put(self.plan.warm_up_seconds)
        self.ours.put(self.plan.warm_up_seconds)

    def verify(self) -> Mapping[str, float]:
        durability.expect()
        stored = sites.scalar(self.connection, COUNT) - seed.LINKS
        answered = self.ours.answered + self.bare.answered
        if not answered <= stored <= answered + self.ours.cut + self.bare.cut:
            raise Void(f"{answered} orders were answered, {stored} links stored")
        return {"answered": answered, "stored": stored}


@contextlib.contextmanager
def batches(plan: Plan, directory: Path) -> Iterator[Batches]:
    seeded = seed.fresh()
    with (
        servers.web(directory, workers=1, **LIMITS) as server,
        calls.caller(server.port, seeded.token) as caller,
        sites.default().connected() as connection,
    ):
        rows = connection.execute("SELECT id FROM shortlinks_contact ORDER BY id")
        ids = [row[0] for row in rows]
        yield Batches(server, caller, connection, seeded.account_id, ids, plan)


@contextlib.contextmanager
def singles(plan: Plan, directory: Path) -> Iterator[Singles]:
    seeded = seed.fresh()
    numbers = itertools.count(10**9)  # apart from the batches' pages
    count = PREPARED[plan.is_short]
    loads = [_prepared(seeded, numbers, count, directory / name) for name in "ab"]
    with (
        servers.web(directory, workers=plan.workers, **LIMITS) as ours,
        servers.bare_web(directory, workers=plan.workers) as bare,
        sites.default().connected() as connection,
    ):
        yield Singles(
            Requests(ours, loads[0], count),
            Requests(bare, loads[1], count),
            connection,
            plan,
        )


def _prepared(
    seeded: Seeded, numbers: Iterator[int], count: int, directory: Path
) -> Load:
    directory.mkdir()
    head = (
        "POST /api/v4/short_links HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {seeded.token}\r\nContent-Type: application/json\r\n"
    )
    bodies = (
        msgspec.json.encode([calls.order(number)]).decode()
        for number in itertools.islice(numbers, count)
    )
    return load.prepare(
        (
            f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode("ascii")
            for body in bodies
        ),
        directory,
    )
