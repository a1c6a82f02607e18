"""HTTP servers that receive webhooks."""

import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from standardwebhooks import Webhook as Verifier


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: str

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body, strict_parsing=True))

    @property
    def note_id(self) -> int:
        return int(self.form["contacts[note][0][note][id]"])

    def verify(self, secret: str) -> None:
        """Raise WebhookVerificationError if it is not signed with this secret."""
        Verifier(secret).verify(self.body, self.headers, json_parse=False)


Answer = tuple[int, dict[str, str]]
FINE: Answer = (200, {})


@dataclass
class Receiver:
    """Stores requests and returns the next of `answers`, or 200."""

    url: str
    answers: list[Answer] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    # Responses wait until it is set.
    answering: threading.Event = field(default_factory=threading.Event)

    def take(self, request: Received) -> Answer:
        self.received.append(request)
        self.answering.wait(60)
        return self.answers.pop(0) if self.answers else FINE

    @property
    def note_ids(self) -> list[int]:
        return [request.note_id for request in self.received]


@contextlib.contextmanager
def receiver(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Run a receiver on loopback that answers immediately."""
    with serving(_Recording, tls) as (server, url):
        made = Receiver(url)
        made.answering.set()
        server.receiver = made
        try:
            yield made
        finally:
            made.answering.set()


@contextlib.contextmanager
def serving(
    handler: Callable[..., BaseHTTPRequestHandler], tls: ssl.SSLContext | None = None
) -> Iterator[tuple[Any, str]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server, f"http://127.0.0.1:{server.server_port}/hook"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Quiet(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def read(self) -> Received:
        length = int(self.headers.get("Content-Length", "0"))
        return Received(
            self.path, dict(self.headers.items()), self.rfile.read(length).decode()
        )


class _Recording(Quiet):
    def do_POST(self) -> None:
        status, headers = self.server.receiver.take(self.read())  # type: ignore[attr-defined]
        with contextlib.suppress(OSError):  # the client may have disconnected
            self.send_response(status)
            for name, value in {"Content-Length": "0", **headers}.items():
                self.send_header(name, value)
            self.end_headers()
