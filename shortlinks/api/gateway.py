"""The ASGI application of API and admin: it reads bodies, then runs Django in threads.

It rejects a request before Django if the client is slow or a queue is full. `/healthz`,
`/readyz` and pages that hash passwords have threads of their own, so that none delays
the others.
"""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import IO, Any

import msgspec
from django.conf import settings

from shortlinks.api import csp, problems, wsgi_threads
from shortlinks.api.instrumentation import METHODS, NO_ROUTE
from shortlinks.api.path_middleware import SLASHES
from shortlinks.api.problems import DETAILS, Problem
from shortlinks.api.wsgi_threads import (
    Overloaded,
    Response,
    Scope,
    WsgiApplication,
    WsgiThreads,
)
from shortlinks.domain import ip_addresses
from shortlinks.domain.imports import spreadsheets
from shortlinks.domain.ip_addresses import ClientAddresses
from shortlinks.observability import metrics, request_ids
from shortlinks.request_bodies import BodyReader, BodyRejected, Receive

Send = Callable[[dict[str, Any]], Awaitable[None]]

THREADS = 32
MAX_WAITING = 256
HEALTH_PATHS = ("/healthz", "/readyz")
MAX_WAITING_CHECKS = 63
PASSWORD_PATHS = re.compile(r"/admin/(login|account/(again|password))/")
PASSWORD_THREADS = 4
MAX_WAITING_PASSWORDS = 16
UPLOAD_PATHS = frozenset({"/admin/import/", "/admin/import-users/"})
MAX_UPLOAD_BYTES = spreadsheets.MAX_FILE_BYTES + 64 * 1024  # other parts of the form
RETRY_AFTER_SECONDS = 5
CHUNK_BYTES = 64 * 1024
SEND_SECONDS = 300.0  # 64 MB at 2 Mbit/s


class Gateway:
    def __init__(self, application: WsgiApplication) -> None:
        self._bodies = BodyReader()
        self._addresses = ClientAddresses(settings.TRUSTED_PROXIES)
        self._threads = WsgiThreads(
            application, threads=THREADS, max_waiting=MAX_WAITING
        )
        self._password_threads = WsgiThreads(
            application, threads=PASSWORD_THREADS, max_waiting=MAX_WAITING_PASSWORDS
        )
        self._health_threads = {
            path: WsgiThreads(application, threads=1, max_waiting=MAX_WAITING_CHECKS)
            for path in HEALTH_PATHS
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._run_lifespan(receive, send)
            return
        try:
            response = await self._respond(scope, receive)
        except (BodyRejected, Overloaded) as error:
            response = _rejection(scope, error.status)
        await send(
            {
                "type": "http.response.start",
                "status": response.status,
                "headers": response.headers,
            }
        )
        with contextlib.closing(response):
            content = b"" if scope["method"] == "HEAD" else response.content
            rest = response.rest.file if response.rest else None
            async with asyncio.timeout(SEND_SECONDS):
                await _send_body(send, content, rest)

    async def _respond(self, scope: Scope, receive: Receive) -> Response:
        threads = self._threads_for(scope)
        headers = dict(scope["headers"])
        client = self._client_network(scope, headers)
        length = _content_length(headers)
        max_bytes = _max_body_bytes(scope["path"])
        # No body, or one that is announced as too long, which a view rejects.
        if length is not None and not 0 < length <= max_bytes:
            return await threads.respond(wsgi_threads.environ(scope, None), client)
        async with self._bodies.read(
            receive, client, max_bytes=max_bytes, length=length
        ) as body:
            return await threads.respond(wsgi_threads.environ(scope, body), client)

    def _threads_for(self, scope: Scope) -> WsgiThreads:
        path = scope["path"]
        if path in self._health_threads:
            return self._health_threads[path]
        is_password = scope["method"] == "POST" and PASSWORD_PATHS.match(path)
        return self._password_threads if is_password else self._threads

    def _client_network(self, scope: Scope, headers: dict[bytes, bytes]) -> bytes:
        client = scope.get("client")
        address = self._addresses.client_address(
            client[0] if client else "", headers.get(b"x-forwarded-for")
        )
        return ip_addresses.customer_network(address)

    async def _run_lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        all_threads = (
            self._threads,
            self._password_threads,
            *self._health_threads.values(),
        )
        await asyncio.gather(*(asyncio.to_thread(each.stop) for each in all_threads))
        await send({"type": "lifespan.shutdown.complete"})


async def _send_body(send: Send, content: bytes, rest: IO[bytes] | None) -> None:
    """Send the parts one after the other, at the pace of the client."""
    part = content
    while rest is not None and part:
        body = {"type": "http.response.body", "body": part, "more_body": True}
        await send(body)
        part = rest.read(CHUNK_BYTES)
    await send({"type": "http.response.body", "body": part})


def _content_length(headers: dict[bytes, bytes]) -> int | None:
    """Return the announced length, 0 without a body, or None for a chunked body."""
    if b"transfer-encoding" in headers:
        return None
    return int(headers.get(b"content-length", 0))


def _max_body_bytes(path: str) -> int:
    return MAX_UPLOAD_BYTES if path in UPLOAD_PATHS else settings.API_MAX_BODY_BYTES


def _rejection(scope: Scope, status: HTTPStatus) -> Response:
    """Return a problem, and close the connection because the body was not read."""
    headers = {name.decode("latin-1"): value for name, value in scope["headers"]}
    offered = headers.get(request_ids.HEADER.lower(), b"").decode("latin-1")
    request_id = request_ids.accept(offered)
    method = scope["method"] if scope["method"] in METHODS else "other"
    metrics.api_requests.labels(NO_ROUTE, method, status.value).inc()
    path = SLASHES.sub("/", scope["path"])
    problem = problems.for_path(Problem(status, DETAILS[status.value]), path)
    body = msgspec.json.encode(problem.body())
    return Response(
        status,
        [
            (b"content-type", b"application/problem+json"),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
            (csp.HEADER.lower().encode(), csp.DATA.encode()),
            (b"x-content-type-options", b"nosniff"),
            *_hsts(),
            (b"connection", b"close"),
            (request_ids.HEADER.lower().encode(), request_id.encode()),
            *_retry_after(status),
        ],
        body,
    )


def _hsts() -> list[tuple[bytes, bytes]]:
    """Return the header of Django's SecurityMiddleware."""
    if not settings.SECURE_HSTS_SECONDS:
        return []
    policy = b"max-age=%d" % settings.SECURE_HSTS_SECONDS
    if settings.SECURE_HSTS_INCLUDE_SUBDOMAINS:
        policy += b"; includeSubDomains"
    return [(b"strict-transport-security", policy)]


def _retry_after(status: HTTPStatus) -> list[tuple[bytes, bytes]]:
    if status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.BAD_REQUEST}:
        return []
    return [(b"retry-after", b"%d" % RETRY_AFTER_SECONDS)]
