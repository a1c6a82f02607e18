"""Bodies of requests, read in full before any work begins.

A slow client therefore occupies no thread and no connection to a store. It must send at
a minimum rate, and few requests of an address may be slow at a time. Caddy has limits
of its own, but `make run` and other proxies may have none.
"""

import asyncio
import contextlib
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import IO, Any

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

# A body has 5 s, and one more second for each 16 KiB that arrived.
PATIENCE_SECONDS = 5.0
MIN_BYTES_PER_SECOND = 16 * 1024
MAX_SECONDS = 60.0  # a spreadsheet of 20 MB at 3 Mbit/s
SLOW_AFTER_SECONDS = 1.0
MAX_SLOW_PER_CLIENT = 16
# A small body is accepted even if large ones use all the space.
SMALL_BYTES = 64 * 1024
MAX_BYTES_PER_CLIENT = 32 * 1024**2
MAX_TOTAL_BYTES = 64 * 1024**2
MAX_MEMORY_BYTES = 4 * 1024**2  # a larger body is stored in a temporary file


class BodyRejected(Exception):
    """The body is too slow, one of too many, or cut off; `status` shows which."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


@dataclass(slots=True)
class Body:
    file: IO[bytes]
    size: int = 0


class BodyReader:
    """Reads the bodies of a process, on its event loop."""

    def __init__(self) -> None:
        self._slow: Counter[bytes] = Counter()
        self._bytes: Counter[bytes] = Counter()
        self._total_bytes = 0

    @contextlib.asynccontextmanager
    async def read(
        self, receive: Receive, client: bytes, *, max_bytes: int, length: int | None
    ) -> AsyncIterator[Body]:
        """Yield the body, and discard it afterwards; raise BodyRejected.

        `length` is the value of Content-Length, if any. The rest of a body is not read
        after its size has exceeded `max_bytes`.
        """
        with tempfile.SpooledTemporaryFile(MAX_MEMORY_BYTES) as file:
            body = Body(file)
            try:
                async with self._time_limit(client) as extend:
                    while body.size <= max_bytes and body.size != length:
                        has_more = self._add(client, body, await receive())
                        if not has_more:
                            break
                        extend(body.size)
                file.seek(0)
                yield body
            finally:
                self._discard(client, body)

    def _add(
        self, client: bytes, body: Body, message: MutableMapping[str, Any]
    ) -> bool:
        """Store a part of the body; return whether another follows."""
        if message["type"] == "http.disconnect":  # or chunks are malformed
            raise BodyRejected(HTTPStatus.BAD_REQUEST)
        part: bytes = message.get("body", b"")
        body.file.write(part)
        body.size += len(part)
        self._bytes[client] += len(part)
        self._total_bytes += len(part)
        if body.size > SMALL_BYTES:
            self._check_space(client)
        return bool(message.get("more_body"))

    def _check_space(self, client: bytes) -> None:
        if self._bytes[client] > MAX_BYTES_PER_CLIENT:
            raise BodyRejected(HTTPStatus.TOO_MANY_REQUESTS)
        if self._total_bytes > MAX_TOTAL_BYTES:
            raise BodyRejected(HTTPStatus.SERVICE_UNAVAILABLE)

    def _discard(self, client: bytes, body: Body) -> None:
        subtract(self._bytes, client, body.size)
        self._total_bytes -= body.size

    @contextlib.asynccontextmanager
    async def _time_limit(self, client: bytes) -> AsyncIterator[Callable[[int], None]]:
        """Yield a function that extends the time for the bytes that have arrived."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        slow = _SlowBody(self._slow, client)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS) as timer:
                watch = loop.call_later(SLOW_AFTER_SECONDS, slow.begin, timer)
                try:
                    yield lambda size: timer.reschedule(began + _seconds_for(size))
                finally:
                    watch.cancel()
                    slow.end()
        except TimeoutError:
            raise BodyRejected(slow.status) from None


class _SlowBody:
    """A body that `begin` counts among its client's slow ones, until `end`."""

    def __init__(self, counts: Counter[bytes], client: bytes) -> None:
        self.status = HTTPStatus.REQUEST_TIMEOUT
        self._counts = counts
        self._client = client
        self._is_counted = False

    def begin(self, timer: asyncio.Timeout) -> None:
        """Count the body, or end its time if the client has too many."""
        if self._counts[self._client] < MAX_SLOW_PER_CLIENT:
            self._counts[self._client] += 1
            self._is_counted = True
        elif not timer.expired():
            self.status = HTTPStatus.TOO_MANY_REQUESTS
            timer.reschedule(0)

    def end(self) -> None:
        if self._is_counted:
            subtract(self._counts, self._client, 1)


def subtract(counts: Counter[bytes], client: bytes, number: int) -> None:
    """Subtract, and keep no entry for a client without bodies."""
    counts[client] -= number
    if not counts[client]:
        del counts[client]


def _seconds_for(size: int) -> float:
    return min(PATIENCE_SECONDS + size / MIN_BYTES_PER_SECOND, MAX_SECONDS)
