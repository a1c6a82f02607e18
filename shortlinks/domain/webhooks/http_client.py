"""One request to a receiver: signed, bounded, and to public addresses only.

`requests-hardened` resolves a name once, refuses private addresses and connects to the
very address it judged, so a name that changes its mind (rebinding) gains nothing. Added
here: what its list of addresses misses, a limit on the whole request, for its time-outs
start anew with each byte that trickles in, and one on the answer.
"""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
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

from shortlinks.domain.webhooks import destinations, retry_policy
from shortlinks.domain.webhooks.retry_policy import Outcome

CONNECT_TIMEOUT_SECONDS = 3.0
READ_TIMEOUT_SECONDS = 12.0
TOTAL_TIMEOUT_SECONDS = 15.0
MAX_RESPONSE_BYTES = 64 * 1024
MAX_ERROR_LENGTH = 500
USER_AGENT = "shortlinks-webhooks"
# All of IPv6 that is given out to the public lies in here.
PUBLIC_IPV6 = IPv6Network("2000::/3")


@dataclass(frozen=True, slots=True)
class Message:
    destination: str
    secret: str
    event_id: UUID
    content_type: str
    body: str


def send(message: Message, *, seconds: float = TOTAL_TIMEOUT_SECONDS) -> Outcome:
    """Send the message once; an answer other than 2xx, or none, is a failure.

    `seconds` bounds the request once the name is resolved.
    """
    late = Outcome(error=f"No answer within {seconds:g} s.")
    with _Deadline(seconds) as watch, _session() as session:
        try:
            with session.post(
                destinations.parse(message.destination),  # the rules may be newer
                data=message.body.encode(),
                headers=_headers(message, timezone.now()),
                stream=True,
            ) as response:
                if watch.is_over:  # amid the headers
                    return late
                _read(response)
                return _outcome(response)
        except (RequestException, HTTPError, OSError, ValueError) as error:
            return late if watch.is_over else Outcome(error=_error_text(error))


def is_public(address: str) -> bool:
    """Whether the address is one that anybody in the internet could mean.

    Asked of what `requests-hardened` let through: addresses of IPv4 inside IPv6 in
    their older forms, site-local ones, and whatever is not given out yet.
    """
    ip = ip_address(address)
    if isinstance(ip, IPv6Address) and ip not in PUBLIC_IPV6:
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved)


class _Deadline:
    """Ends a connection when its time is over, whatever it is busy with."""

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
            # Not TLS's own, which would change what another thread is reading with.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


_deadline: ContextVar[_Deadline] = ContextVar("_watch")


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
    """By a proxy that resolves and judges names itself: WEBHOOK_PROXY."""

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
        return manager


class _PublicAdapter(_Adapter, IPFilterAdapter):  # type: ignore[misc]  # untyped
    """Connects to public addresses only, to the one it has judged."""

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
        ip_filter_enable=False,  # our own adapter has it, and more
        ip_filter_allow_loopback_ips=False,
        never_redirect=True,
        default_timeout=(CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS),
        user_agent_override=USER_AGENT,
    )
    with HTTPSession(config) as session:
        session.trust_env = False  # no proxy of the environment's, no .netrc
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
    """Let the receiver finish, within bounds; what it says is not looked at."""
    left = MAX_RESPONSE_BYTES
    with contextlib.suppress(HTTPError, OSError):  # its status is its answer
        while left > 0 and (chunk := response.raw.read1(left)):
            left -= len(chunk)


def _outcome(response: Response) -> Outcome:
    status = response.status_code
    if 200 <= status < 300:
        return Outcome(status)
    redirect = ": redirects are not followed" if 300 <= status < 400 else ""
    return Outcome(
        status,
        f"Answered {status}{redirect}.",
        retry_policy.parse_retry_after(
            response.headers.get("Retry-After"), timezone.now()
        ),
    )


def _error_text(error: Exception) -> str:
    """Without the url's path, which may hold a secret."""
    if isinstance(error, InvalidIPAddress):
        return f"The name leads to an address that is not public: {error}."
    first = error.args[0] if error.args else None
    reason = first.reason if isinstance(first, MaxRetryError) else None
    return f"{type(error).__name__}: {reason or error}"[:MAX_ERROR_LENGTH]
