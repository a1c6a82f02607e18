"""Bodies are read in time, and within the space of all and of each client."""

import asyncio
from collections.abc import Coroutine, Sequence
from http import HTTPStatus
from typing import Any

import pytest

from shortlinks import request_bodies
from shortlinks.domain import ip_addresses
from shortlinks.request_bodies import BodyReader, BodyRejected

CLIENT, OTHER = b"\xc0\0\2\1", b"\xc0\0\2\2"
KIB = 1024


@pytest.fixture(autouse=True)
def _short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_bodies, "PATIENCE_SECONDS", 0.3)
    monkeypatch.setattr(request_bodies, "SLOW_AFTER_SECONDS", 0.1)


class Client:
    """Sends parts, each after a pause in seconds."""

    def __init__(self, *parts: bytes, pause: float = 0, disconnects: bool = False):
        self._parts = list(parts)
        self._pause = pause
        self._disconnects = disconnects

    async def receive(self) -> dict[str, Any]:
        await asyncio.sleep(self._pause)
        if not self._parts:
            if self._disconnects:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": b"", "more_body": False}
        part = self._parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": True}


async def read(
    reader: BodyReader,
    client: Client,
    *,
    address: bytes = CLIENT,
    max_bytes: int = 1024 * KIB,
    keep_seconds: float = 0,
) -> bytes | HTTPStatus:
    """Return the body, or the status of its rejection."""
    id_ = ip_addresses.customer_network(address)
    reading = reader.read(client.receive, id_, max_bytes=max_bytes, length=None)
    try:
        async with reading as body:
            await asyncio.sleep(keep_seconds)
            return body.file.read()
    except BodyRejected as error:
        return error.status


def read_all(
    *reads: Coroutine[Any, Any, bytes | HTTPStatus],
) -> Sequence[bytes | HTTPStatus]:
    async def run() -> Sequence[bytes | HTTPStatus]:
        return await asyncio.gather(*reads)

    return asyncio.run(run())


def test_parts_are_joined() -> None:
    assert read_all(read(BodyReader(), Client(b"a", b"bc"))) == [b"abc"]


def test_body_ends_soon_after_its_limit() -> None:
    client = Client(*[b"a" * 10] * 1000)

    assert read_all(read(BodyReader(), client, max_bytes=95)) == [b"a" * 100]


def test_cut_off_body_is_rejected() -> None:
    client = Client(b"a", disconnects=True)

    assert read_all(read(BodyReader(), client)) == [HTTPStatus.BAD_REQUEST]


def test_body_below_the_minimum_rate_is_rejected() -> None:
    client = Client(*[b"a"] * 100, pause=0.05)

    assert read_all(read(BodyReader(), client)) == [HTTPStatus.REQUEST_TIMEOUT]


def test_long_body_gets_more_time() -> None:
    """32 KiB a second, which is twice the minimum."""
    client = Client(*[b"a" * 1638] * 10, pause=0.05)

    assert read_all(read(BodyReader(), client)) == [b"a" * 16380]


def test_client_with_many_slow_bodies_is_rejected_and_others_are_not() -> None:
    reader = BodyReader()
    slow = [
        read(reader, Client(b"a", pause=0.2))
        for _ in range(request_bodies.MAX_SLOW_PER_CLIENT + 3)
    ]
    fast = read(reader, Client(b"fast"))
    other = read(reader, Client(pause=0.2), address=OTHER)

    *statuses, fast_body, other_body = read_all(*slow, fast, other)

    assert statuses.count(HTTPStatus.TOO_MANY_REQUESTS) == 3
    assert fast_body == b"fast"
    assert other_body == b""


def test_addresses_of_an_ipv6_network_are_one_client() -> None:
    reader = BodyReader()
    network = b"\x20\x01\x0d\xb8" + b"\0" * 4
    slow = [
        read(reader, Client(pause=0.2), address=network + n.to_bytes(8))
        for n in range(request_bodies.MAX_SLOW_PER_CLIENT + 1)
    ]

    assert HTTPStatus.TOO_MANY_REQUESTS in read_all(*slow)


def test_space_is_limited_for_each_client_and_for_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(request_bodies, "MAX_BYTES_PER_CLIENT", 250 * KIB)
    monkeypatch.setattr(request_bodies, "MAX_TOTAL_BYTES", 350 * KIB)
    reader = BodyReader()
    large = b"a" * 100 * KIB

    bodies = read_all(
        *(read(reader, Client(large), keep_seconds=0.1) for _ in range(3)),
        read(reader, Client(large), address=OTHER, keep_seconds=0.1),
        read(reader, Client(large), address=OTHER, keep_seconds=0.1),
        read(reader, Client(b"small"), address=OTHER),
    )
    later = read_all(read(reader, Client(large)))

    assert bodies == [
        *(large, large, HTTPStatus.TOO_MANY_REQUESTS),
        *(large, HTTPStatus.SERVICE_UNAVAILABLE),
        b"small",
    ]
    assert later == [large]
