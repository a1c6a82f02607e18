"""Record security events (docs/adr/0052)."""

import contextlib
import logging
import math
import threading
import time
from collections.abc import Hashable, Iterator
from contextvars import ContextVar

from django.db import DatabaseError, connection, transaction

from shortlinks.domain import ip_addresses
from shortlinks.models import Account, AddressMask, User
from shortlinks.models import SecurityEventKind as Kind

logger = logging.getLogger(__name__)

MAX_DETAIL_LENGTH = 250
FREQUENT_SECONDS = 10.0
MAX_FREQUENT = 10_000  # kinds of events in memory
IPV6_LENGTH = 16  # bytes

# An attack of many requests updates few rows.
UPSERT = """
INSERT INTO shortlinks_securityevent AS event
  (account_id, user_id, kind, detail, network, hour, count)
VALUES (%(account)s, %(user)s, %(kind)s, %(detail)s, %(network)s,
        date_trunc('hour', now()), %(count)s)
ON CONFLICT (hour, account_id, user_id, kind, detail, network)
DO UPDATE SET count = event.count + excluded.count, occurred_at = now()
"""

_client: ContextVar[bytes] = ContextVar("client_address", default=b"")


@contextlib.contextmanager
def client(address: bytes) -> Iterator[None]:
    """Set the packed address of the client during a request."""
    token = _client.set(address)
    try:
        yield
    finally:
        _client.reset(token)


def client_address() -> str:
    """Return the client's address, or its /64 network, or "" outside of requests.

    A client with IPv6 has a whole network of addresses.
    """
    packed = _client.get()
    if len(packed) == IPV6_LENGTH:
        packed = packed[: IPV6_LENGTH // 2] + bytes(IPV6_LENGTH // 2)
    return ip_addresses.masked(packed, AddressMask.FULL)


def client_network(mask: str = AddressMask.TRUNCATED) -> str:
    """Return the client's /24 or /48 network, or "" outside of requests."""
    return ip_addresses.masked(_client.get(), mask)


def record(
    kind: Kind,
    *,
    user: User | None,
    account: Account | None = None,
    detail: str = "",
    count: int = 1,
) -> None:
    """Add events of the user, or of the account; never raise a database error.

    `detail` must not contain emails, tokens or codes.
    """
    account = account or (user.account if user else None)
    mask = account.address_mask if account else AddressMask.TRUNCATED
    parameters = {
        "account": account.pk if account else None,
        "user": user.pk if user else None,
        "kind": kind,
        "detail": detail[:MAX_DETAIL_LENGTH],
        "count": count,
        "network": ip_addresses.masked(_client.get(), mask),
    }
    logger.info(
        "security event: %s, user %s, account %s",
        *(str(kind), parameters["user"], parameters["account"]),
    )
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(UPSERT, parameters)
    except DatabaseError as error:  # the request goes on, and the log has the event
        logger.warning("a security event was not stored: %s", error)


def record_frequent(
    kind: Kind, *, user: User | None, account: Account | None = None, detail: str = ""
) -> None:
    """Count an event that anybody can cause many times a second.

    Each process stores the first one at once. It counts further ones, and stores their
    number with the first one after `FREQUENT_SECONDS`. So a flood causes few writes,
    and a count is lost if no other event follows it.
    """
    owner = (user.pk if user else None, account.pk if account else None)
    count = _frequent.add((kind, *owner, detail, client_network()))
    if count:
        record(kind, user=user, account=account, detail=detail, count=count)


class _Frequent:
    """Numbers of equal events that are not stored yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[Hashable, tuple[float, int]] = {}

    def add(self, event: Hashable) -> int:
        """Return the number of events to store now, or 0."""
        now = time.monotonic()
        with self._lock:
            stored_at, waiting = self._known.get(event, (-math.inf, 0))
            if now - stored_at < FREQUENT_SECONDS:
                self._known[event] = (stored_at, waiting + 1)
                return 0
            if len(self._known) >= MAX_FREQUENT:
                self._known.clear()
            self._known[event] = (now, 0)
            return waiting + 1


_frequent = _Frequent()
