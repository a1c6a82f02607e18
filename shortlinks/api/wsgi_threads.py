"""Run a WSGI application in threads, for requests whose bodies have been read.

No thread waits for a client: the body is complete, and the caller sends the response.
"""

import asyncio
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

from shortlinks import request_bodies
from shortlinks.request_bodies import Body

Scope = MutableMapping[str, Any]
WsgiApplication = Callable[..., Any]
Environ = dict[str, Any]

MAX_MEMORY_BYTES = 1024 * 1024  # of a response
MAX_FILE_BYTES = 64 * 1024**2  # of all responses; Compose has 128 MB for files
WITHOUT_PREFIX = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


class Overloaded(Exception):
    """A refusal: too much work of all clients (503) or of one (429) is unfinished."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


@dataclass(slots=True)
class Response:
    """A complete response. A long one continues in `rest`, a temporary file."""

    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    content: bytes = b""
    rest: "Rest | None" = None

    def collect(self, parts: Iterable[bytes], budget: "ByteBudget") -> None:
        """Store the whole content, so that the thread need not wait for the client."""
        size, held = 0, []
        for part in parts:
            if self.rest is not None:
                self.rest.write(part)
                continue
            held.append(part)
            size += len(part)
            if size > MAX_MEMORY_BYTES:
                self.rest = Rest(budget)
        self.content = b"".join(held)
        if self.rest is not None:
            self.rest.file.seek(0)

    def close(self) -> None:
        if self.rest is not None:
            self.rest.close()


class ByteBudget:
    """The bytes that are left for responses in files. `take` may raise Overloaded."""

    def __init__(self, max_bytes: int) -> None:
        self._lock = threading.Lock()
        self._left = max_bytes

    def take(self, size: int) -> None:
        with self._lock:
            if size > self._left:
                raise Overloaded(HTTPStatus.SERVICE_UNAVAILABLE)
            self._left -= size

    def give_back(self, size: int) -> None:
        with self._lock:
            self._left += size


class Rest:
    """The rest of a long response, in a temporary file, which may be in memory."""

    def __init__(self, budget: ByteBudget) -> None:
        self.file = tempfile.TemporaryFile()  # noqa: SIM115  closed by `close`
        self._budget = budget
        self._size = 0

    def write(self, part: bytes) -> None:
        self._budget.take(len(part))
        self._size += len(part)
        self.file.write(part)

    def close(self) -> None:
        self.file.close()
        self._budget.give_back(self._size)
        self._size = 0


class WsgiThreads:
    """A thread pool and its queue. One client may have at most half of the requests."""

    def __init__(
        self, application: WsgiApplication, *, threads: int, max_waiting: int
    ) -> None:
        self._application = application
        self._budget = ByteBudget(MAX_FILE_BYTES)
        self._executor = ThreadPoolExecutor(threads, "wsgi")
        self._max_unfinished = threads + max_waiting
        self._unfinished = 0
        self._by_client: Counter[bytes] = Counter()

    async def respond(self, environ: Environ, client: bytes) -> Response:
        """Return the whole response, or raise Overloaded at once."""
        if self._unfinished >= self._max_unfinished:
            raise Overloaded(HTTPStatus.SERVICE_UNAVAILABLE)
        if self._by_client[client] >= self._max_unfinished // 2:
            raise Overloaded(HTTPStatus.TOO_MANY_REQUESTS)
        self._unfinished += 1
        self._by_client[client] += 1
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._executor, self._call, environ)
        finally:
            self._unfinished -= 1
            request_bodies.subtract(self._by_client, client, 1)

    def stop(self) -> None:
        """Wait for all requests, also those in the queue."""
        self._executor.shutdown()

    def _call(self, environ: Environ) -> Response:
        response = Response()

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: Any = None
        ) -> None:
            response.status = int(status[:3])
            response.headers = [
                (name.lower().encode("latin-1"), value.encode("latin-1"))
                for name, value in headers
            ]

        parts = self._application(environ, start_response)
        try:
            response.collect(parts, self._budget)
        except BaseException:
            response.close()
            raise
        finally:
            if hasattr(parts, "close"):
                parts.close()
        return response


def environ(scope: Scope, body: Body | None) -> Environ:
    """Return the variables of PEP 3333 for an ASGI request."""
    server, port = scope["server"]
    client = scope.get("client")
    variables = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0] if client else "",
        **_headers(scope),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": body.file if body else BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if body:
        variables["CONTENT_LENGTH"] = str(body.size)
    return variables


def _headers(scope: Scope) -> dict[str, str]:
    """Return the headers as variables, repeated ones joined.

    A name with an underscore is left out: it would replace the variable of a header
    that a proxy has set.
    """
    variables: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if "_" in name:
            continue
        key = WITHOUT_PREFIX.get(name) or f"HTTP_{name.upper().replace('-', '_')}"
        if key in variables:
            separator = "; " if name == "cookie" else ","
            value = f"{variables[key]}{separator}{value}"
        variables[key] = value
    return variables
