"""An HTTP server in a thread, for health and metrics."""

import logging
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import msgspec

from shortlinks.domain.monitoring import health
from shortlinks.domain.monitoring.health import Check

logger = logging.getLogger(__name__)

CLIENT_TIMEOUT_SECONDS = 10


class Page(NamedTuple):
    status: int
    content_type: str
    body: bytes


Pages = Mapping[str, Callable[[], Page]]


def alive() -> Page:
    return Page(200, "text/plain; charset=utf-8", b"ok\n")


def readiness(checks: list[Check]) -> Page:
    status, body = health.report(checks)
    return Page(status, "application/json", msgspec.json.encode(body))


def start(host: str, port: int, pages: Pages) -> ThreadingHTTPServer:
    """Serve until the process ends; raise OSError if the port is in use."""
    server = ThreadingHTTPServer((host, port), _handler(pages))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def _handler(pages: Pages) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = CLIENT_TIMEOUT_SECONDS

        def do_GET(self) -> None:
            page = _page(pages, self.path.partition("?")[0])
            self.send_response(page.status)
            self.send_header("Content-Type", page.content_type)
            self.send_header("Content-Length", str(len(page.body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(page.body)

        def log_message(self, format: str, *args: Any) -> None:
            """Log nothing, because probes arrive every few seconds."""

    return Handler


def _page(pages: Pages, path: str) -> Page:
    if path not in pages:
        return Page(404, "text/plain; charset=utf-8", b"not found\n")
    try:
        return pages[path]()
    except Exception:
        # Respond to any error, because a closed connection would explain less.
        logger.exception("%s failed", path)
        return Page(500, "text/plain; charset=utf-8", b"failed, see the log\n")
