"""Visitors who open links on time, whether or not the last one has been answered.

Raw HTTP/1.1 on kept connections over asyncio: an open waits for no other, so a stall of
the service shows in every open that fell into it.
"""

import asyncio
import contextlib
import select
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from deploy.roles import LOOPBACK
from faults import opens
from faults.opens import Kind, Open

HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length: "
SET_COOKIE = b"set-cookie: "
CONNECTION = b"connection: "
# A visitor who got no answer by then has given up; counted as cut.
PATIENCE_SECONDS = 30.0
# No door took the connection: tried again, so long.
RETRY_SECONDS = 0.05
NEVER_OPENED_SECONDS = 20.0


@dataclass(slots=True)
class Door:
    """A redirects' process as visitors see it: its idle connections."""

    port: int
    idle: list["Visitor"] = field(default_factory=list)


class Visitor(asyncio.Protocol):
    """A kept connection; one open at a time."""

    def __init__(self, load: "Load", door: Door) -> None:
        self._load = load
        self._door = door
        self._transport: asyncio.Transport | None = None
        self._open: Open | None = None
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  for the types
        self._transport = transport

    @property
    def is_closed(self) -> bool:
        """Also one whose end has arrived and was not read yet, as clients look."""
        if self._transport is None or self._transport.is_closing():
            return True
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket"), select.POLLIN)
        return bool(poll.poll(0))

    def send(self, opened: Open) -> None:
        assert self._transport is not None  # noqa: S101  an idle one is connected
        self._open = opened
        self._read = b""
        opened.sent = time.monotonic()
        self._transport.write(opens.request(opened, self._load.cookie(opened)))

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, end, body = self._read.partition(HEAD_END)
        opened = self._open
        if opened is None or not end:
            return
        if opened.kind != Kind.HEAD and len(body) < int(_header(head, LENGTH) or 0):
            return
        opened.status = int(head[9:12])
        self._open = None
        self._load.answered(opened, _header(head, SET_COOKIE))
        if _header(head, CONNECTION).lower() != b"close":
            self._door.idle.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._open is not None:
            self._load.cut(self._open)
            self._open = None

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class Load:
    """Runs in a thread of its own from `start` until `join`."""

    def __init__(self, ports: Sequence[int], planned: Sequence[Open]) -> None:
        self.began = 0.0
        self._planned = planned
        self._doors = [Door(port) for port in ports]
        self._cookies: dict[str, bytes] = {}
        self._visitors: list[Visitor] = []
        self._outstanding: dict[int, Open] = {}
        self._sending: set[asyncio.Task[None]] = set()
        self._given_up = False
        self._thread = threading.Thread(target=self._run, name="load")

    def start(self) -> None:
        self.began = time.monotonic()
        for opened in self._planned:
            opened.due += self.began
        self._thread.start()

    def join(self) -> None:
        self._thread.join()

    def give_up(self) -> None:
        """Send nothing more, and wait for no answer."""
        self._given_up = True

    def wait_until(self, seconds: float) -> float:
        """Since the load began; returns that moment's time."""
        moment = self.began + seconds
        time.sleep(max(0.0, moment - time.monotonic()))
        return time.monotonic()

    def cookie(self, opened: Open) -> bytes:
        """Every other person opens in one browser; the rest in one that forgets."""
        return self._cookies.get(opened.code, b"") if opened.person % 2 else b""

    def answered(self, opened: Open, set_cookie: bytes) -> None:
        self._end(opened)
        if set_cookie and opened.kind == Kind.PERSON:
            self._cookies.setdefault(opened.code, set_cookie.partition(b";")[0])

    def cut(self, opened: Open) -> None:
        self._end(opened)

    def _end(self, opened: Open) -> None:
        opened.ended = time.monotonic()
        self._outstanding.pop(opened.number, None)

    def _run(self) -> None:
        asyncio.run(self._send_all())

    async def _send_all(self) -> None:
        for opened in self._planned:
            await asyncio.sleep(max(0.0, opened.due - time.monotonic()))
            if self._given_up:
                return
            self._outstanding[opened.number] = opened
            opened.begun = time.monotonic()
            self._send(opened)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._outstanding and time.monotonic() < deadline:
            await asyncio.sleep(RETRY_SECONDS)
        for visitor in self._visitors:
            visitor.abort()
        await asyncio.sleep(0)

    def _send(self, opened: Open) -> None:
        idle = self._doors[opened.door].idle
        while idle:
            visitor = idle.pop()
            if not visitor.is_closed:
                visitor.send(opened)
                return
        task = asyncio.create_task(self._send_anew(opened))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send_anew(self, opened: Open) -> None:
        """On a new connection: to its door, or to another if that takes none."""
        first = opened.door
        deadline = time.monotonic() + NEVER_OPENED_SECONDS
        while time.monotonic() < deadline:
            for turn in range(len(self._doors)):
                opened.door = (first + turn) % len(self._doors)
                visitor = await self._connected(self._doors[opened.door])
                if visitor is not None:
                    visitor.send(opened)
                    return
            await asyncio.sleep(RETRY_SECONDS)
        self._end(opened)

    async def _connected(self, door: Door) -> Visitor | None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            _, visitor = await loop.create_connection(
                lambda: Visitor(self, door), LOOPBACK, door.port
            )
            if not visitor.is_closed:
                self._visitors.append(visitor)
                return visitor
        return None


def _header(head: bytes, name: bytes) -> bytes:
    """The header's value, by its lower-case name and colon."""
    for line in head.split(b"\r\n")[1:]:
        if line[: len(name)].lower() == name:
            return line[len(name) :]
    return b""
