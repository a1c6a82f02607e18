"""A client for many short requests of several threads, without a cookie jar."""

import http.client
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

TIMEOUT_SECONDS = 60
MAX_IDLE_SECONDS = 5  # the servers close idle connections after ten


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body) if self.body else None


class Server:
    """A process that serves HTTP; each thread has its own connection."""

    def __init__(self, url: httpx.URL) -> None:
        self._url = url
        self._threads = threading.local()
        self._connections: list[http.client.HTTPConnection] = []

    def close(self) -> None:
        for connection in self._connections:
            connection.close()

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: object | None = None,
    ) -> Reply:
        data = None if body is None else json.dumps(body).encode()
        connection = self._connection()
        try:
            connection.request(method, path, data, dict(headers))
            response = connection.getresponse()
            return Reply(response.status, response.headers, response.read())
        except OSError:
            connection.close()
            raise

    def _connection(self) -> http.client.HTTPConnection:
        if not hasattr(self._threads, "connection"):
            self._threads.connection = http.client.HTTPConnection(
                str(self._url.host), self._url.port, timeout=TIMEOUT_SECONDS
            )
            self._connections.append(self._threads.connection)
        connection: http.client.HTTPConnection = self._threads.connection
        now = time.monotonic()
        if now - getattr(self._threads, "used_at", now) > MAX_IDLE_SECONDS:
            connection.close()  # it is opened again
        self._threads.used_at = now
        return connection
