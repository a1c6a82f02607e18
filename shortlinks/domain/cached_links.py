"""What redirects need to know of links and accounts, as it lies in Redis.

Written through by whoever changes the row, read by `redirects/`. Redis may be away:
then nothing is written, and the redirects read the rows themselves.
"""

import logging
from functools import cache

import msgspec
import redis
from django.conf import settings

from shortlinks.models import Account, ShortLink

logger = logging.getLogger(__name__)

SECONDS = 24 * 3600
# Outlives any redirect that read the row before the change and writes it after.
WITHDRAWN_SECONDS = 3600
WITHDRAWN = b"-"


class CachedLink(msgspec.Struct, frozen=True, array_like=True):
    """A live link; `expires_at` in Unix seconds, 0 for never."""

    id: int
    account_id: int
    target: str
    expires_at: float = 0


class CachedAccount(msgspec.Struct, frozen=True, array_like=True):
    """The settings of an account that a redirect obeys."""

    passes_query: bool = True
    honours_gpc: bool = True
    address_mask: str = "truncated"


def link_key(code: str) -> str:
    return f"{settings.REDIS_PREFIX}link:{code}"


def account_key(account_id: int) -> str:
    return f"{settings.REDIS_PREFIX}account:{account_id}"


def of_link(link: ShortLink) -> CachedLink:
    expires_at = link.expires_at.timestamp() if link.expires_at else 0
    return CachedLink(link.id, link.account_id, link.target, expires_at)


def of_account(account: Account) -> CachedAccount:
    return CachedAccount(
        account.passes_query, account.honours_gpc, account.address_mask
    )


def publish_links(links: dict[str, CachedLink]) -> None:
    """Let redirects find links, by code, without asking the database."""
    _store({link_key(code): msgspec.json.encode(v) for code, v in links.items()})


def publish_account(account: Account) -> None:
    """An account that was switched off has no links any more."""
    value = msgspec.json.encode(of_account(account)) if account.is_active else WITHDRAWN
    _store({account_key(account.id): value})


def withdraw_link(code: str) -> None:
    """Stop redirects within the life of the processes' own caches."""
    _store({link_key(code): WITHDRAWN}, seconds=WITHDRAWN_SECONDS)


def _store(entries: dict[str, bytes], *, seconds: int = SECONDS) -> None:
    pipeline = _client().pipeline(transaction=False)
    for key, value in entries.items():
        pipeline.set(key, value, ex=seconds)
    try:
        pipeline.execute()
    except redis.RedisError as error:
        logger.warning("link cache not written: %s", error)


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=0.3, socket_connect_timeout=0.3
    )
