"""One request to a receiver: signed, limited, and only to public addresses.

`requests-hardened` resolves a name once, rejects private addresses and connects to the
address that it checked, which prevents DNS rebinding. This module also rejects private
addresses that the library misses. It limits the size of the response and the time of
the whole request, because each byte that arrives restarts the timeouts of `requests`.
"""

import contextlib
import logging
import socket
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from requests import RequestException, Response
from requests.adapters import HTTPAdapter
from requests_hardened import Config, HTTPSession
from requests_hardened.ip_filter import InvalidIPAddress
from requests_hardened.ip_filter_adapter import IPFilterAdapter
from standardwebhooks import Webhook as Signer
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, MaxRetryError

from shortlinks.domain.webhooks import destinations, failures, retry_policy
from shortlinks.domain.webhooks.retry_policy import Outcome

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT_SECONDS = 3.0
READ_TIMEOUT_SECONDS = 12.0  # the docs promise 10, so that a late answer counts
TOTAL_TIMEOUT_SECONDS = 15.0
MAX_RESPONSE_BYTES = 64 * 1024
MAX_ERROR_LENGTH = 500
USER_AGENT = "shortlinks-webhooks"
# Contains all public IPv6 addresses assigned so far.
PUBLIC_IPV6 = IPv6Network("2000::/3")


@dataclass(frozen=True, slots=True)
class Message:
    destination: str
    secret: str
    event_id: UUID
    content_type: str
    body: str


def send(message: Message, *, seconds: float = TOTAL_TIMEOUT_SECONDS) -> Outcome:
    """Send the message once; a status other than 2xx, or none, is a failure.

    `seconds` limits the request after the name is resolved.
    """
    late = Outcome(error=failures.of_timeout(seconds))
    with _Deadline(seconds) as deadline, _session() as session:
        try:
            with session.post(
                destinations.parse(message.destination),  # the rules may have changed
                data=message.body.encode(),
                headers=_headers(message, timezone.now()),
                stream=True,
            ) as response:
                if deadline.is_over:  # while the headers were read
                    return late
                _read(response)
                return _outcome(response)
        except (RequestException, HTTPError, OSError, ValueError) as error:
            if deadline.is_over:
                return late
            logger.info("event %s not delivered: %s", message.event_id, _text(error))
            return Outcome(error=failures.of_error(error, seconds=READ_TIMEOUT_SECONDS))


def fetch(url: str, *, max_bytes: int, seconds: float = TOTAL_TIMEOUT_SECONDS) -> bytes:
    """Return the body of a response, under the limits of webhooks.

    Raise OSError if there is none in time, or if it is too large. `RequestException`
    is an OSError, too.
    """
    with _Deadline(seconds) as deadline, _session() as session:
        try:
            with session.get(url, stream=True) as response:
                response.raise_for_status()
                body: bytes = response.raw.read(max_bytes + 1, decode_content=True)
        except (HTTPError, ValueError) as error:
            raise OSError(_text(error)) from error
        if deadline.is_over:
            raise OSError(f"no whole response within {seconds:g} s")
        if response.status_code != HTTPStatus.OK or len(body) > max_bytes:
            raise OSError(f"status {response.status_code}, {len(body)} bytes")
        return body


def is_public(address: str) -> bool:
    """Return whether the address is public.

    `requests-hardened` accepts IPv4 addresses inside IPv6 in their older forms,
    site-local addresses and those that are not assigned yet.
    """
    ip = ip_address(address)
    if isinstance(ip, IPv6Address) and ip not in PUBLIC_IPV6:
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved)


class _Deadline:
    """A timer that ends a connection, whatever it is doing."""

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._socket: socket.socket | None = None
        self.is_over = False

    def __enter__(self) -> "_Deadline":
        _deadline.set(self)
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def watch(self, connected: socket.socket | None) -> None:
        self._socket = connected
        if self.is_over:
            self._end()

    def _end(self) -> None:
        self.is_over = True
        if self._socket is not None:
            # TLS's own method would change the object that another thread reads from.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


_deadline: ContextVar[_Deadline] = ContextVar("_deadline")


class _WatchedHTTP(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        _deadline.get().watch(self.sock)


class _WatchedHTTPS(HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        _deadline.get().watch(self.sock)


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _WatchedHTTP


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedHTTPS


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        pools = {"http": _HTTPPool, "https": _HTTPSPool}
        self.poolmanager.pool_classes_by_scheme = pools


class _ProxiedAdapter(_Adapter):
    """An adapter for WEBHOOK_PROXY, which resolves and checks names itself."""

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
        return manager


class _PublicAdapter(_Adapter, IPFilterAdapter):  # type: ignore[misc]  # untyped
    """An adapter that connects to the address that it checked, if it is public."""

    def __init__(self) -> None:
        IPFilterAdapter.__init__(self, is_https_proto=True)

    def build_connection_pool_key_attributes(self, *args: Any, **kwargs: Any) -> Any:
        host, pool = super().build_connection_pool_key_attributes(*args, **kwargs)
        address = host["host"].strip("[]")
        if not is_public(address):
            raise InvalidIPAddress(address)
        return host, pool


@contextlib.contextmanager
def _session() -> Iterator[Any]:
    config = Config(
        ip_filter_enable=False,  # _PublicAdapter filters
        ip_filter_allow_loopback_ips=False,
        never_redirect=True,
        default_timeout=(CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS),
        user_agent_override=USER_AGENT,
    )
    with HTTPSession(config) as session:
        session.trust_env = False  # ignore the environment's proxies and .netrc
        if settings.WEBHOOK_ALLOW_PRIVATE_TARGETS:
            session.mount("http://", _Adapter())
            session.mount("https://", _Adapter())
        elif settings.WEBHOOK_PROXY:
            session.adapters.clear()
            session.mount("https://", _ProxiedAdapter())
            session.proxies = {"https": settings.WEBHOOK_PROXY}
        else:
            session.adapters.clear()
            session.mount("https://", _PublicAdapter())
        yield session


def _headers(message: Message, now: datetime) -> dict[str, str]:
    signer = Signer(message.secret)
    event_id = str(message.event_id)
    return {
        "Content-Type": message.content_type,
        "webhook-id": event_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signer.sign(event_id, now, message.body),
    }


def _read(response: Response) -> None:
    """Read and ignore the body, up to a limit, so that the receiver can finish."""
    left = MAX_RESPONSE_BYTES
    with contextlib.suppress(HTTPError, OSError):  # only the status counts
        while left > 0 and (chunk := response.raw.read1(left)):
            left -= len(chunk)


def _outcome(response: Response) -> Outcome:
    status = response.status_code
    if 200 <= status < 300:
        return Outcome(status)
    return Outcome(
        status,
        failures.of_status(status),
        retry_policy.parse_retry_after(
            response.headers.get("Retry-After"), timezone.now()
        ),
    )


def _text(error: Exception) -> str:
    """Return the error without the URL's path, which may contain a secret."""
    first = error.args[0] if error.args else None
    reason = first.reason if isinstance(first, MaxRetryError) else None
    return f"{type(error).__name__}: {reason or error}"[:MAX_ERROR_LENGTH]
