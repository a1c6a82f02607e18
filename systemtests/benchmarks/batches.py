"""250 new links in a request, compared with one INSERT of such rows."""

import contextlib
import hashlib
import http.client
import itertools
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.roles import LOOPBACK
from shortlinks.domain.links import codes
from systemtests import InvalidRun, api_client
from systemtests.api_client import ApiClient
from systemtests.benchmarks import (
    comparisons,
    cpu_time,
    databases,
    dataset,
    durability,
    servers,
)
from systemtests.benchmarks.comparisons import Call, Comparison, Plan, Sample, Target
from systemtests.benchmarks.databases import Connection
from systemtests.benchmarks.dataset import Dataset
from systemtests.benchmarks.servers import Server

BATCH_SIZE = 250
TIMEOUT_SECONDS = 30
COUNT = "SELECT count(*) FROM shortlinks_shortlink"
NO_RATE_LIMITS = {
    "ALLOWED_HOSTS": LOOPBACK,
    "API_RATE_LIMIT_PER_TOKEN": "100000",
    "API_RATE_LIMIT_PER_ACCOUNT": "100000",
}
INSERT = """
INSERT INTO shortlinks_shortlink
  (account_id, contact_id, code, url, target, url_sha256, batch, created_at)
SELECT %(account)s, contact_id, code, url, url, hash, %(batch)s, now()
FROM unnest(%(contacts)s::bigint[], %(codes)s::text[], %(urls)s::text[],
            %(hashes)s::bytea[]) AS o (contact_id, code, url, hash)
"""


@dataclass
class Batches:
    server: Server
    client: ApiClient
    connection: Connection
    data: Dataset
    contacts: Sequence[int]  # ids of rows
    requested: int = 0
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def comparisons(self) -> Sequence[Comparison]:
        return [
            Comparison(
                name=f"{BATCH_SIZE} new links in a request",
                unit="ms",
                baseline_name="ms the plain insert",
                ours=self._ours,
                baseline=self._baseline,
                target=Target("at most", 5),
            )
        ]

    def verify(self) -> Mapping[str, float]:
        durability.expect_fsync()
        stored = databases.scalar(self.connection, COUNT)
        if stored != dataset.LINKS + self.requested:
            raise InvalidRun(f"{self.requested} links were requested, {stored} stored")
        return {"links": stored}

    def _ours(self, seconds: int) -> Sample:
        self.client.close()  # the server closes idle connections
        meter = cpu_time.of(self.server.process, cpu_time.postgres())
        return self._measure(meter, self._post, seconds)

    def _baseline(self, seconds: int) -> Sample:
        meter = cpu_time.of(cpu_time.postgres())
        return self._measure(meter, self._insert, seconds)

    def _measure(self, meter: cpu_time.Meter, create: Call, seconds: float) -> Sample:
        sample = meter.measure(
            lambda: comparisons.milliseconds(create, seconds=seconds), count="calls"
        )
        self.requested += int(sample.details["calls"]) * BATCH_SIZE
        return sample

    def _post(self) -> None:
        """Request links of other contacts each time, as mailings do."""
        numbers = itertools.islice(self.numbers, BATCH_SIZE)
        ids = self.data.entity_ids
        requests = [
            api_client.link_request(ids[number % len(ids)], new_url(number))
            for number in numbers
        ]
        self.client.post(api_client.SHORT_LINKS, requests)

    def _insert(self) -> None:
        urls = [new_url(each) for each in itertools.islice(self.numbers, BATCH_SIZE)]
        values = {
            "account": self.data.account_id,
            "batch": uuid.uuid4(),
            "contacts": self.contacts[:BATCH_SIZE],
            "codes": [codes.generate() for _ in urls],
            "urls": urls,
            "hashes": [hashlib.sha256(url.encode()).digest() for url in urls],
        }
        self.connection.execute(INSERT, values)


def new_url(number: int) -> str:
    return f"https://shop.example/new/{number}?utm_source=crm&utm_medium=message"


@contextlib.contextmanager
def prepare(plan: Plan, directory: Path) -> Iterator[Batches]:
    data = dataset.create()
    with (
        servers.web(directory, workers=1, **NO_RATE_LIMITS) as server,
        databases.connect() as connection,
    ):
        rows = connection.execute("SELECT id FROM shortlinks_contact ORDER BY id")
        contacts = [row[0] for row in rows]
        http_client = http.client.HTTPConnection(
            LOOPBACK, server.port, timeout=TIMEOUT_SECONDS
        )
        client = ApiClient(http_client, data.token)
        yield Batches(server, client, connection, data, contacts)
        client.close()
