"""A server that records requests, in place of Sentry or a trace collector."""

import contextlib
import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Received(NamedTuple):
    path: str
    body: bytes


class Receiver:
    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.port = server.server_address[1]
        self.received: list[Received] = []

    def bodies(self) -> bytes:
        return b"\n".join(each.body for each in self.received)


@contextlib.contextmanager
def receiver() -> Iterator[Receiver]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        _Handler.receiver = Receiver(server)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield _Handler.receiver
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    receiver: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        self.receiver.received.append(Received(self.path, body))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *arguments: object) -> None:
        """Log nothing."""
