"""Clients that send bodies slowly delay nobody, on both servers and through Caddy.

`--slow-seconds 60 --log-cli-level INFO` makes it a drill, which also limits times
(docs/operations.md).
"""

import contextlib
import json
import logging
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from shortlinks.models import ShortLink
from tests import factories, services
from tests.browser import caddy

logger = logging.getLogger(__name__)

CLIENTS = 40
TOO_SLOW = {"408"}
RESET = ""  # a byte arrived after the response, which was lost
BYTE_SECONDS = 1.0
MAX_SECONDS = 1.0
PERCENTILE = 0.99
API_HOST, SHORT_HOST = "crm.test", "go.test"
NOT_VERIFIED = ssl.create_default_context()
NOT_VERIFIED.check_hostname = False
NOT_VERIFIED.verify_mode = ssl.CERT_NONE


@dataclass(frozen=True, slots=True)
class Host:
    """A host of the service, direct or through Caddy."""

    name: str
    port: int
    tls: ssl.SSLContext | None = None

    def connect(self) -> socket.socket:
        connected = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        if self.tls is None:
            return connected
        return self.tls.wrap_socket(connected, server_hostname=self.name)

    @contextlib.contextmanager
    def client(self) -> Iterator[Callable[..., httpx.Response]]:
        """Yield a function that gets a path of the host, with headers."""
        url = f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"
        tls = self.tls or ssl.create_default_context()
        with httpx.Client(base_url=url, verify=tls, timeout=20) as client:
            yield lambda path, **headers: client.get(
                path,
                headers={"Host": self.name, **headers},
                extensions={"sni_hostname": self.name},
            )


@dataclass(frozen=True, slots=True)
class Service:
    api: Host
    short: Host


@pytest.fixture
def direct(transactional_db: None, tmp_path: Path) -> Iterator[Service]:
    trusted = {"TRUSTED_PROXIES": "127.0.0.0/8"}
    hosts = f"127.0.0.1,{API_HOST}"
    with (
        services.web(tmp_path, ALLOWED_HOSTS=hosts, **trusted) as web,
        services.redirects(tmp_path, **trusted) as redirects,
    ):
        assert web.base_url.port
        assert redirects.base_url.port
        yield Service(
            Host(API_HOST, web.base_url.port), Host(SHORT_HOST, redirects.base_url.port)
        )


@pytest.fixture
def behind_caddy(direct: Service, tmp_path: Path) -> Iterator[Service]:
    port = services.free_port()
    with caddy.running(
        tmp_path,
        port,
        short_base_url=f"https://{SHORT_HOST}:{port}",
        redirects=direct.short.port,
        web=direct.api.port,
    ):
        api = Host(API_HOST, port, NOT_VERIFIED)
        short = Host(SHORT_HOST, port, NOT_VERIFIED)
        services.wait_for(lambda: has_certificate(api) and has_certificate(short))
        yield Service(api, short)


def has_certificate(host: Host) -> bool:
    try:
        host.connect().close()
    except ssl.SSLError:
        return False
    return True


@pytest.fixture
def link(transactional_db: None) -> ShortLink:
    return factories.link(factories.contact(factories.account()))


class SlowClients(threading.Thread):
    """40 requests that send a byte a second; a new one follows each that ends."""

    def __init__(self, host: Host, path: str) -> None:
        super().__init__()
        self.responses: list[bytes] = []
        self._host = host
        lines = (f"POST {path} HTTP/1.1", f"Host: {host.name}", "Content-Length: 4000")
        self._head = "\r\n".join(lines).encode() + b"\r\n\r\n{"
        self._is_over = threading.Event()
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> "SlowClients":
        self._sockets = [self._begin() for _ in range(CLIENTS)]
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self.join()
        for each in self._sockets:
            each.close()

    def run(self) -> None:
        while not self._is_over.wait(BYTE_SECONDS):
            for index, each in enumerate(self._sockets):
                if self._has_ended(each):
                    each.close()
                    self._sockets[index] = self._begin()

    def statuses(self) -> Counter[str]:
        return Counter(response[9:12].decode() for response in self.responses)

    def are_rejected(self) -> bool:
        """Return whether some took too long, and others were too many."""
        return {"408", "429"} <= set(self.statuses())

    def _begin(self) -> socket.socket:
        begun = self._host.connect()
        begun.sendall(self._head)
        begun.settimeout(0)
        return begun

    def _has_ended(self, client: socket.socket) -> bool:
        try:
            response = client.recv(4096)
        except (BlockingIOError, ssl.SSLWantReadError):
            with contextlib.suppress(OSError):  # it ends at the next call
                client.send(b"a")
            return False
        except OSError:
            response = b""
        self.responses.append(response)
        return True


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of the requests by subject."""

    seconds: dict[str, list[float]] = field(default_factory=dict)

    def add(self, subject: str, response: httpx.Response, *, status: int) -> None:
        assert response.status_code == status, subject
        took = response.elapsed.total_seconds()
        self.seconds.setdefault(subject, []).append(took)

    def percentiles(self) -> dict[str, float]:
        return {
            subject: sorted(each)[int(len(each) * PERCENTILE)]
            for subject, each in self.seconds.items()
        }


def measure(service: Service, link: ShortLink, *, seconds: float) -> Times:
    """Send all kinds of requests once, and again until the time is over."""
    token = factories.token(factories.admin(link.account))
    headers = {"Authorization": f"Bearer {token}"}
    times = Times()
    with service.api.client() as api, service.short.client() as short:
        end = time.monotonic() + seconds
        while not times.seconds or time.monotonic() < end:
            times.add("API", api("/api/v4/account", **headers), status=200)
            times.add("health", api("/healthz"), status=200)
            times.add("readiness", api("/readyz"), status=200)
            times.add("admin", api("/admin/login/"), status=200)
            visit = short(f"/{link.code}", **factories.BROWSER)
            times.add("redirects", visit, status=302)
            times.add("health of redirects", short("/healthz"), status=200)
    return times


@pytest.mark.parametrize("fixture", ["direct", "behind_caddy"])
@pytest.mark.parametrize(
    ("path", "short_path"),
    [
        ("/oauth2/access_token", "/pixel/v1/identify"),
        ("/admin/login/", "/AbcdefGHJKLm"),
    ],
    ids=["endpoints", "pages"],
)
def test_slow_bodies_delay_nobody(
    fixture: str,
    path: str,
    short_path: str,
    link: ShortLink,
    request: pytest.FixtureRequest,
) -> None:
    service: Service = request.getfixturevalue(fixture)
    seconds = request.config.getoption("--slow-seconds")

    with (
        SlowClients(service.api, path) as slow,
        SlowClients(service.short, short_path) as slow_visitors,
    ):
        measure(service, link, seconds=0)
        waiting = not TOO_SLOW & {*slow.statuses(), *slow_visitors.statuses()}
        times = measure(service, link, seconds=seconds)

    assert waiting, "a slow body had to end before all requests were answered"
    counts = {subject: len(each) for subject, each in times.seconds.items()}
    logger.info("p99 in s: %s, requests: %s", times.percentiles(), counts)
    logger.info("%s, visitors: %s", slow.statuses(), slow_visitors.statuses())
    assert set(slow.statuses()) <= {"408", "429", RESET}
    if seconds:
        assert max(times.percentiles().values()) < MAX_SECONDS


def test_slow_bodies_are_rejected(direct: Service) -> None:
    for host, path in (
        (direct.api, "/api/v4/short_links"),
        (direct.short, "/pixel/v1/identify"),
    ):
        with SlowClients(host, path) as slow:
            services.wait_for(slow.are_rejected)


def test_rejection_is_a_problem(direct: Service) -> None:
    with SlowClients(direct.api, "/api/v4/short_links") as slow:
        services.wait_for(lambda: slow.responses)

    head, _, body = slow.responses[0].partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    assert b"content-type: application/problem+json" in lines
    assert b"connection: close" in lines
    assert json.loads(body)["type"] == f"https://httpstatus.es/{head[9:12].decode()}"
