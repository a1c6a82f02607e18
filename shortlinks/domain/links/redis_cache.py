"""The cache of links and accounts in Redis, which redirects read.

Code that changes a row writes it here. While Redis is unavailable, nothing is written,
and redirects query the database.
"""

import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Self

import msgspec
import redis
from django.conf import settings
from django.utils import timezone

from shortlinks.domain import redis_client
from shortlinks.domain.pixels import consent
from shortlinks.models import Account, ShortLink

TTL_SECONDS = 24 * 3600
# Replaces a link that has ended. A redirect that has read the row earlier only writes
# missing entries, so it cannot bring the link back.
TOMBSTONE = b"-"
# A thread that wakes for each request would take the GIL from the next one.
BATCH_DELAY_SECONDS = 0.02
MAX_QUEUED_REQUESTS = 1_000  # requests whose links are not written yet
BATCH_SIZE = 500


class CachedLink(msgspec.Struct, frozen=True, array_like=True):
    """An active link. `expires_at` is in Unix seconds, or 0 for never.

    `consent` is the contact's tracking consent, as one of `consent.CODES`.
    """

    id: int
    account_id: int
    target: str
    expires_at: float = 0
    consent: int = 0

    @classmethod
    def from_row(
        cls,
        *,
        id: int,
        account_id: int,
        target: str,
        expires_at: float | None,
        tracking_consent: str,
    ) -> Self:
        code = consent.CODES[tracking_consent]
        return cls(id, account_id, target, expires_at or 0, code)

    def is_expired(self, now: float) -> bool:
        return 0 < self.expires_at <= now


class CachedAccount(msgspec.Struct, frozen=True, array_like=True):
    """The settings of an account that redirects need, named like their columns."""

    forward_query: bool = True
    respect_gpc: bool = True
    address_mask: str = "truncated"
    office_networks: tuple[str, ...] = ()
    pixel_mode: str = "on"


def link_key(code: str) -> str:
    return f"{settings.REDIS_KEY_PREFIX}link:{code}"


def account_key(account_id: int) -> str:
    return f"{settings.REDIS_KEY_PREFIX}account:{account_id}"


def from_link(link: ShortLink) -> CachedLink:
    """Return the entry of a link that was loaded with its contact."""
    return CachedLink.from_row(
        id=link.id,
        account_id=link.account_id,
        target=link.target,
        expires_at=link.expires_at.timestamp() if link.expires_at else None,
        tracking_consent=consent.of(link.contact),
    )


def from_account(account: Account) -> CachedAccount:
    return msgspec.convert(account, CachedAccount, from_attributes=True)


def write(links: dict[str, CachedLink]) -> None:
    """Write links by code, replacing older entries."""
    _store(_entries(links))


def write_soon(links: dict[str, CachedLink]) -> None:
    """Write new links by code without waiting for Redis.

    A thread writes the links of several requests together. An existing entry is newer
    and is kept.
    """
    _batch_writer.put(links)


def refresh(links: Iterable[ShortLink]) -> bool:
    """Write links as their rows are now. Return False if Redis is unavailable."""
    now = timezone.now()
    return _store(
        {
            link_key(link.code): msgspec.json.encode(from_link(link))
            if link.is_live(now)
            else TOMBSTONE
            for link in links
        }
    )


def refresh_account(account: Account) -> bool:
    """Write the account, or a tombstone if it is inactive."""
    value = (
        msgspec.json.encode(from_account(account)) if account.is_active else TOMBSTONE
    )
    return _store({account_key(account.id): value})


def last_synced_at() -> datetime | None:
    """Return the time up to which Redis has all changes, or None if it is empty."""
    value = redis_client.client().get(f"{settings.REDIS_KEY_PREFIX}last-synced-at")
    return datetime.fromisoformat(value.decode()) if isinstance(value, bytes) else None


def set_last_synced_at(until: datetime) -> None:
    redis_client.client().set(
        f"{settings.REDIS_KEY_PREFIX}last-synced-at", until.isoformat()
    )


def _entries(links: Mapping[str, CachedLink]) -> dict[str, bytes]:
    return {link_key(code): msgspec.json.encode(v) for code, v in links.items()}


def _store(entries: Mapping[str, bytes], *, only_new: bool = False) -> bool:
    if redis_client.breaker.is_open:
        return False
    pipeline = redis_client.client().pipeline(transaction=False)
    for key, value in entries.items():
        pipeline.set(key, value, ex=TTL_SECONDS, nx=only_new)
    try:
        pipeline.execute()
    except redis.RedisError as error:
        redis_client.breaker.trip(error)
        return False
    return True


class _BatchWriter:
    """A thread that writes queued links in batches.

    Some entries are lost when the process ends, or when Redis is slower than the
    requests. Redirects query the database for them.
    """

    def __init__(self) -> None:
        self._queue: deque[dict[str, CachedLink]] = deque(maxlen=MAX_QUEUED_REQUESTS)
        self._has_links = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def put(self, links: dict[str, CachedLink]) -> None:
        self._queue.append(links)
        if not self._has_links.is_set():
            self._has_links.set()
        if self._thread is None or not self._thread.is_alive():  # or after a fork
            self._start()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._write, daemon=True)
                self._thread.start()

    def _write(self) -> None:
        while True:
            self._has_links.wait()
            time.sleep(BATCH_DELAY_SECONDS)
            self._has_links.clear()
            while links := self._take_batch():
                _store(_entries(links), only_new=True)

    def _take_batch(self) -> dict[str, CachedLink]:
        taken: dict[str, CachedLink] = {}
        while self._queue and len(taken) < BATCH_SIZE:
            taken |= self._queue.popleft()
        return taken


_batch_writer = _BatchWriter()
