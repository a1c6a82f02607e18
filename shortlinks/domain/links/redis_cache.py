"""What redirects need to know of links and accounts, as it lies in Redis.

Written through by whoever changes the row, read by `redirects/`. Redis may be away:
then nothing is written, and the redirects read the rows themselves.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache

import msgspec
import redis
from django.conf import settings
from django.utils import timezone
from redis.backoff import NoBackoff
from redis.retry import Retry

from shortlinks.domain.pixels import consent
from shortlinks.models import Account, ShortLink

logger = logging.getLogger(__name__)

TTL_SECONDS = 24 * 3600
# In place of a link that has ended: no redirect that read the row before and writes
# it after can bring it back.
TOMBSTONE = b"-"
RETRY_DELAY_SECONDS = 5.0
TIMEOUT_SECONDS = 0.3  # seconds, to connect and for an answer
# A thread that woke for each request would take the GIL from the next one.
BATCH_DELAY_SECONDS = 0.02
MAX_QUEUED_REQUESTS = 1_000  # requests whose links are not written yet
BATCH_SIZE = 500


class CachedLink(msgspec.Struct, frozen=True, array_like=True):
    """A live link; `expires_at` in Unix seconds, 0 for never.

    `consent` is what its contact has said of being recognised (`consent.CODES`).
    """

    id: int
    account_id: int
    target: str
    expires_at: float = 0
    consent: int = 0


class CachedAccount(msgspec.Struct, frozen=True, array_like=True):
    """The settings of an account that a redirect obeys."""

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
    """The link's contact should be at hand (`select_related`)."""
    expires_at = link.expires_at.timestamp() if link.expires_at else 0
    said = consent.CODES[link.contact.tracking_consent]
    return CachedLink(link.id, link.account_id, link.target, expires_at, said)


def from_account(account: Account) -> CachedAccount:
    return CachedAccount(
        account.forward_query,
        account.respect_gpc,
        account.address_mask,
        tuple(account.office_networks),
        account.pixel_mode,
    )


def write(links: dict[str, CachedLink]) -> None:
    """Let redirects find links, by code, without asking the database."""
    _store(_entries(links))


def write_soon(links: dict[str, CachedLink]) -> None:
    """The same for new links, without a wait for Redis: those of several requests are
    written at once by a thread. What is there already is newer, and stays.
    """
    _batch_writer.put(links)


def refresh(links: Iterable[ShortLink]) -> bool:
    """What the rows say now; False if Redis is away and heard nothing."""
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
    """An account that was switched off has no links any more."""
    value = (
        msgspec.json.encode(from_account(account)) if account.is_active else TOMBSTONE
    )
    return _store({account_key(account.id): value})


def last_synced_at() -> datetime | None:
    """Up to when Redis has heard of all changes; None if it has lost everything."""
    value = _client().get(f"{settings.REDIS_KEY_PREFIX}changes-published-until")
    return datetime.fromisoformat(value.decode()) if isinstance(value, bytes) else None


def set_last_synced_at(until: datetime) -> None:
    _client().set(
        f"{settings.REDIS_KEY_PREFIX}changes-published-until", until.isoformat()
    )


def last_beat_at() -> datetime | None:
    """When beat last said that it sends what is due."""
    value = _client().get(f"{settings.REDIS_KEY_PREFIX}beat-heard-at")
    return datetime.fromisoformat(value.decode()) if isinstance(value, bytes) else None


def record_beat() -> None:
    """Beat says so itself, in the store that it sends its messages to."""
    _client().set(
        f"{settings.REDIS_KEY_PREFIX}beat-heard-at", timezone.now().isoformat()
    )


def queue_length(queue: str) -> int:
    """Messages that no worker has taken yet."""
    return _client().llen(f"{settings.REDIS_KEY_PREFIX}{queue}")


def ping() -> None:
    """Raises redis.RedisError while Redis is away."""
    _client().ping()


def _entries(links: Mapping[str, CachedLink]) -> dict[str, bytes]:
    return {link_key(code): msgspec.json.encode(v) for code, v in links.items()}


def _store(entries: Mapping[str, bytes], *, only_new: bool = False) -> bool:
    if time.monotonic() < _unavailable.until:
        return False
    pipeline = _client().pipeline(transaction=False)
    for key, value in entries.items():
        pipeline.set(key, value, ex=TTL_SECONDS, nx=only_new)
    try:
        pipeline.execute()
    except redis.RedisError as error:
        logger.warning("link cache not written: %s", error)
        _unavailable.until = time.monotonic() + RETRY_DELAY_SECONDS
        return False
    return True


class _Unavailable:
    """A Redis that hangs costs one request, and not each."""

    until = 0.0


_unavailable = _Unavailable()


class _BatchWriter:
    """Waits for links and writes all that wait; a few are lost when the process ends,
    and when Redis is slower than the requests: the redirects ask the database then.
    """

    def __init__(self) -> None:
        self._waiting: deque[dict[str, CachedLink]] = deque(maxlen=MAX_QUEUED_REQUESTS)
        self._there_are_some = threading.Event()
        self._turn = threading.Lock()
        self._thread: threading.Thread | None = None

    def put(self, links: dict[str, CachedLink]) -> None:
        self._waiting.append(links)
        if not self._there_are_some.is_set():
            self._there_are_some.set()
        if self._thread is None or not self._thread.is_alive():  # or after a fork
            self._start()

    def _start(self) -> None:
        with self._turn:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._write, daemon=True)
                self._thread.start()

    def _write(self) -> None:
        while True:
            self._there_are_some.wait()
            time.sleep(BATCH_DELAY_SECONDS)
            self._there_are_some.clear()
            while links := self._take_batch():
                _store(_entries(links), only_new=True)

    def _take_batch(self) -> dict[str, CachedLink]:
        taken: dict[str, CachedLink] = {}
        while self._waiting and len(taken) < BATCH_SIZE:
            taken |= self._waiting.popleft()
        return taken


_batch_writer = _BatchWriter()


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),  # the driver's own default is three more
    )
