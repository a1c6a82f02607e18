"""People who open links over TLS at a steady rate, and an integration that orders some.

Each open has a name of its own (the host of its Referer), which is stored with the
visit: so what was answered and what is stored are compared as sets.
"""

import asyncio
import contextlib
import itertools
import ssl
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from benchmarks.visitors import BROWSERS
from drills.installation import API, DOOR_PORT, HTTPS_PORT, SHORT, Installation

FOUND = 302
PATIENCE_SECONDS = 30.0
ORDER_SECONDS = 0.5
MOST_SECONDS = 600.0
HEAD_END = b"\r\n\r\n"
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
BROWSER = BROWSERS[0]


@dataclass
class Seen:
    """Answered by mark and moment (Unix seconds); links by their order's url."""

    answered: dict[str, float] = field(default_factory=dict)
    failed: Counter[str] = field(default_factory=Counter)
    links: dict[str, float] = field(default_factory=dict)
    orders_failed: Counter[str] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)  # seconds
    seconds: float = 0.0


class Visitors:
    """Kept connections of TLS, as browsers have them.

    Raw: 200 opens a second by a client that does more would be a load by themselves.
    """

    def __init__(self, door: str, trust: ssl.SSLContext) -> None:
        self._door = door
        self._trust = trust
        self._idle: list[Connection] = []

    async def get(self, path: str, headers: Mapping[str, str]) -> int:
        """The answer's status. An open is sent once, whatever becomes of it."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            reader, writer = await self._connection()
            lines = [f"GET {path} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
            writer.write("\r\n".join([*lines, "", ""]).encode())
            head = (await reader.readuntil(HEAD_END)).lower()
            if b"content-length: 0" in head and b"connection: close" not in head:
                self._idle.append((reader, writer))
            else:
                writer.close()
            return int(head.split(b" ", 2)[1])

    async def _connection(self) -> Connection:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
        return await asyncio.open_connection(
            self._door, DOOR_PORT, ssl=self._trust, server_hostname=SHORT
        )

    def close(self) -> None:
        for _, writer in self._idle:
            writer.close()


class Load:
    """Runs in a thread of its own between `with` and its end."""

    def __init__(
        self,
        installation: Installation,
        codes: list[str],
        *,
        rate: float,
        name: str = "n",
    ) -> None:
        self.seen = Seen()
        self._name = name
        self._rate = rate
        self._codes = codes
        self._token = installation.token
        self._trust: ssl.SSLContext = installation.trust()
        self._door = installation.door()
        self._contact = _contact(installation)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> Seen:
        self._thread.start()
        return self.seen

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    async def _run(self) -> None:
        visitors = Visitors(self._door, self._trust)
        async with httpx.AsyncClient(
            verify=self._trust, timeout=PATIENCE_SECONDS, trust_env=False
        ) as client:
            ordering = asyncio.create_task(self._order(client))
            opening: set[asyncio.Task[None]] = set()
            began = time.monotonic()
            for number in itertools.count():
                due = began + number / self._rate
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                if self._stopping.is_set() or due - began > MOST_SECONDS:
                    break
                task = asyncio.create_task(self._open(visitors, number))
                opening.add(task)
                task.add_done_callback(opening.discard)
            self.seen.seconds = time.monotonic() - began
            await asyncio.gather(*opening, ordering)
        visitors.close()

    async def _open(self, visitors: Visitors, number: int) -> None:
        person = number % len(self._codes)
        mark = f"{self._name}{number}.mail.example"
        headers = {
            **BROWSER,
            # One address for all: it is the browser that tells them apart.
            "User-Agent": BROWSER["User-Agent"].replace("142.0", f"142.{person}"),
            "Host": SHORT,
            "Referer": f"https://{mark}/",
            # Some visitors come anew, as most do in the world.
            "Connection": "close" if number % 10 == 0 else "keep-alive",
        }
        began = time.monotonic()
        try:
            status = await visitors.get(f"/{self._codes[person]}", headers)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            self.seen.failed[type(error).__name__] += 1
            return
        self.seen.waits.append(time.monotonic() - began)
        if status == FOUND:
            self.seen.answered[mark] = time.time()
        else:
            self.seen.failed[str(status)] += 1

    async def _order(self, client: httpx.AsyncClient) -> None:
        for number in itertools.count():
            if self._stopping.is_set():
                return
            url = f"https://shop.example/ordered/{number}"
            try:
                answer = await client.post(
                    f"https://{API}:{HTTPS_PORT}/api/v4/short_links",
                    json=[order(url, self._contact)],
                    headers={"Authorization": f"Bearer {self._token}"},
                )
            except httpx.HTTPError as error:
                self.seen.orders_failed[type(error).__name__] += 1
            else:
                self._ordered(url, answer)
            await asyncio.sleep(ORDER_SECONDS)

    def _ordered(self, url: str, answer: httpx.Response) -> None:
        if answer.status_code == httpx.codes.OK:
            self.seen.links[url] = time.time()
        else:
            self.seen.orders_failed[str(answer.status_code)] += 1


def order(url: str, contact: int) -> dict[str, object]:
    return {
        "url": url,
        "metadata": {"entity_type": "contacts", "entity_id": contact},
    }


def make_links(installation: Installation, count: int) -> list[str]:
    """Codes of links, one for each of as many contacts.

    Each of an order of its own: whoever opens links of one mailing is a scanner.
    """
    with installation.client() as client:
        named = [{"name": f"Visitor {number}"} for number in range(count)]
        made = client.post("/api/v4/contacts", json=named).raise_for_status().json()
        return [
            _made(client, contact["id"]) for contact in made["_embedded"]["contacts"]
        ]


def _made(client: httpx.Client, contact: int) -> str:
    asked = order(f"https://shop.example/sale/{contact}", contact)
    answer = client.post("/api/v4/short_links", json=[asked]).raise_for_status()
    [row] = answer.json()["_embedded"]["short_links"]
    return urlsplit(str(row["url"])).path.lstrip("/")


def stored(installation: Installation) -> Counter[str]:
    """How often each open is stored, by its mark."""
    rows = installation.sql("SELECT referer FROM shortlinks_visit WHERE referer <> ''")
    return Counter(row[0] for row in rows)


def settle(installation: Installation, *, seconds: float) -> None:
    """Until nothing is due, or the seconds are over."""
    deadline = time.monotonic() + seconds
    due = "SELECT count(*) FROM shortlinks_visit WHERE due_at IS NOT NULL"
    while time.monotonic() < deadline and installation.sql(due) != [["0"]]:
        with contextlib.suppress(InterruptedError):
            time.sleep(0.5)


def _contact(installation: Installation) -> int:
    with installation.client() as client:
        made = client.post("/api/v4/contacts", json=[{"name": "Orders"}])
    contact: int = made.raise_for_status().json()["_embedded"]["contacts"][0]["id"]
    return contact
