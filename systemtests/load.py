"""A load of opens that are sent on time, whether or not earlier ones were answered.

Raw HTTP/1.1 on kept connections over asyncio costs little CPU time. An open waits for
no other, so each open shows how long the service took for it.
"""

import asyncio
import contextlib
import select
import ssl
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

from systemtests import traffic
from systemtests.traffic import Kind, Open

HEAD_END = b"\r\n\r\n"
# After this time without an answer, a visitor has given up. The open counts as cut.
PATIENCE_SECONDS = 30.0
RETRY_SECONDS = 0.05


@dataclass(slots=True)
class Server:
    """The address of a redirect process, and its idle connections."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    idle: list["Visitor"] = field(default_factory=list)


class Visitor(asyncio.Protocol):
    """A kept connection; one open at a time."""

    def __init__(self, load: "Load", server: Server) -> None:
        self._load = load
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._open: Open | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  for mypy
        self._transport = transport

    @property
    def is_closed(self) -> bool:
        """Return whether the connection is closed, before the event loop notices."""
        if self._transport is None or self._transport.is_closing():
            return True
        if self._server.tls:  # whose session tickets are no end
            return False
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket"), select.POLLIN)
        return bool(poll.poll(0))

    def send(self, opened: Open) -> None:
        assert self._transport is not None  # noqa: S101  it is connected
        self._open = opened
        self._received = b""
        opened.sent = time.monotonic()
        self._transport.write(self._load.request(opened))

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(HEAD_END)
        opened = self._open
        if opened is None or not end:
            return
        length = int(_header(head, b"content-length: ") or 0)
        if opened.kind != Kind.HEAD and len(body) < length:
            return
        opened.status = int(head[9:12])
        self._open = None
        self._load.end(opened, cookie=_header(head, b"set-cookie: "))
        if _header(head, b"connection: ").lower() == b"close":
            self.abort()
        else:
            self._server.idle.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._open is not None:
            self._load.end(self._open)
            self._open = None

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class Load:
    """Sends opens in its own thread, until all are sent or it is stopped.

    `connect_seconds` is how long a visitor tries to connect, to each server in turn;
    with 0, each is tried once.
    """

    def __init__(
        self,
        servers: Sequence[Server],
        planned: Iterable[Open],
        *,
        host: str,
        connect_seconds: float = 0,
    ) -> None:
        self.opened: list[Open] = []
        self.began = 0.0
        self._planned = planned
        self._servers = servers
        self._host = host
        self._connect_seconds = connect_seconds
        self._cookies: dict[str, bytes] = {}
        self._visitors: set[Visitor] = set()
        self._unanswered = 0
        self._sending: set[asyncio.Task[None]] = set()
        self._is_stopped = False
        self._thread = threading.Thread(target=lambda: asyncio.run(self._send_all()))

    def __enter__(self) -> Self:
        self.began = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, error: object, *_: object) -> None:
        """Wait until the planned opens have ended; send no more after an error."""
        if error:
            self.stop()
        self._thread.join()

    def stop(self) -> None:
        """Send no more opens, and only wait for those that were sent."""
        self._is_stopped = True

    def wait_until(self, seconds: float) -> float:
        """Wait for a moment since the load began, and return it."""
        time.sleep(max(0.0, self.began + seconds - time.monotonic()))
        return time.monotonic()

    def request(self, opened: Open) -> bytes:
        """Return the request; every other person has a browser that keeps cookies."""
        cookie = self._cookies.get(opened.code, b"") if opened.person % 2 else b""
        return traffic.request(opened, host=self._host, cookie=cookie)

    def end(self, opened: Open, *, cookie: bytes = b"") -> None:
        opened.ended = time.monotonic()
        self._unanswered -= 1
        if cookie and opened.kind == Kind.PERSON:
            self._cookies.setdefault(opened.code, cookie.partition(b";")[0])

    async def _send_all(self) -> None:
        for opened in self._planned:
            opened.due += self.began
            await asyncio.sleep(max(0.0, opened.due - time.monotonic()))
            if self._is_stopped:
                break
            self.opened.append(opened)
            self._unanswered += 1
            opened.begun = time.monotonic()
            self._send(opened)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._unanswered and time.monotonic() < deadline:
            await asyncio.sleep(RETRY_SECONDS)
        for visitor in self._visitors:
            visitor.abort()
        await asyncio.sleep(0)

    def _send(self, opened: Open) -> None:
        idle = self._servers[opened.server].idle
        while idle:
            visitor = idle.pop()
            if not visitor.is_closed:
                visitor.send(opened)
                return
        task = asyncio.create_task(self._connect_and_send(opened))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _connect_and_send(self, opened: Open) -> None:
        first = opened.server
        while True:
            for offset in range(len(self._servers)):
                opened.server = (first + offset) % len(self._servers)
                visitor = await self._connect(self._servers[opened.server])
                if visitor is not None:
                    visitor.send(opened)
                    return
            if time.monotonic() >= opened.begun + self._connect_seconds:
                self.end(opened)
                return
            await asyncio.sleep(RETRY_SECONDS)

    async def _connect(self, server: Server) -> Visitor | None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            _, visitor = await loop.create_connection(
                lambda: Visitor(self, server),
                server.host,
                server.port,
                ssl=server.tls,
                server_hostname=self._host if server.tls else None,
            )
            if not visitor.is_closed:
                self._visitors.add(visitor)
                return visitor
        return None


def _header(head: bytes, name: bytes) -> bytes:
    """Return the header's value, by its lower-case name with colon and space."""
    for line in head.split(b"\r\n")[1:]:
        if line[: len(name)].lower() == name:
            return line[len(name) :]
    return b""
