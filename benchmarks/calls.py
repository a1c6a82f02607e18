"""A program with a token: requests one after the other on one connection."""

import contextlib
import http.client
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

import msgspec

from benchmarks import seed
from benchmarks.comparisons import Sample, Void
from deploy.roles import LOOPBACK

BATCH = 250
LEAST_CALLS = 5
_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Caller:
    client: http.client.HTTPConnection
    token: str

    def begin(self) -> None:
        """On a new connection: an idle one is closed by the server after a while."""
        self.client.close()

    def get(self, path: str) -> bytes:
        return self._call("GET", path, None)

    def post(self, path: str, body: object) -> bytes:
        return self._call("POST", path, msgspec.json.encode(body))

    def _call(self, method: str, path: str, body: bytes | None) -> bytes:
        headers = {"Authorization": f"Bearer {self.token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        self.client.request(method, path, body=body, headers=headers)
        response = self.client.getresponse()
        answer = response.read()
        if response.status != http.client.OK:
            raise Void(f"{method} {path}: {response.status} {answer[:300]!r}")
        return answer


@contextlib.contextmanager
def caller(port: int, token: str) -> Iterator[Caller]:
    client = http.client.HTTPConnection(LOOPBACK, port, timeout=30)
    with contextlib.closing(client):
        yield Caller(client, token)


def new_orders(count: int = BATCH) -> list[dict[str, object]]:
    """Links that nobody has: a new page for each of so many contacts."""
    return [order(next(_numbers)) for _ in range(count)]


def order(number: int) -> dict[str, object]:
    return {
        "url": f"https://shop.example/new/{number}?utm_source=crm&utm_medium=message",
        "metadata": {
            "entity_type": "contacts",
            "entity_id": seed.FIRST_ENTITY_ID + number % seed.LINKS,
        },
    }


def milliseconds(call: Callable[[], object], *, seconds: float) -> Sample:
    """The median of the calls that fit into the time."""
    taken: list[float] = []
    until = time.perf_counter() + seconds
    while len(taken) < LEAST_CALLS or time.perf_counter() < until:
        began = time.perf_counter()
        call()
        taken.append((time.perf_counter() - began) * 1000)
    return Sample(median(taken), {"calls": len(taken)})
