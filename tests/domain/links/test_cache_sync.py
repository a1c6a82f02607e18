"""Changes made while Redis was unavailable are written to it later."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import redis
from django.utils import timezone

from shortlinks.domain import redis_client
from shortlinks.domain.circuit_breaker import CircuitBreaker
from shortlinks.domain.links import cache_sync, redis_cache, short_links
from shortlinks.models import Account, ShortLink
from tests import factories


@pytest.fixture
def store() -> Iterator[redis.Redis]:
    client = redis_client.client()
    client.delete("sl:last-synced-at")
    yield client
    client.delete("sl:last-synced-at")


@pytest.fixture
def link(account: Account, store: redis.Redis) -> ShortLink:
    """A link in Redis, as it was before its changes."""
    link = factories.link(factories.contact(account))
    redis_cache.refresh([link])
    return link


def cached(store: redis.Redis, link: ShortLink) -> object:
    return store.get(redis_cache.link_key(link.code))


def test_sync_writes_changes_that_redis_missed(
    store: redis.Redis, link: ShortLink
) -> None:
    short_links.disable(
        link
    )  # no commit hook runs inside a test, so Redis is not updated
    assert cached(store, link) != redis_cache.TOMBSTONE

    assert cache_sync.sync_changes() == 1

    assert cached(store, link) == redis_cache.TOMBSTONE


def test_sync_skips_changes_before_the_last_sync(
    store: redis.Redis, link: ShortLink
) -> None:
    short_links.disable(link)
    link.changed_at = timezone.now() - timedelta(minutes=10)
    link.save()
    cache_sync.sync_changes()

    assert cache_sync.sync_changes() == 0


def test_sync_writes_a_tombstone_for_an_inactive_account(
    store: redis.Redis, account: Account, link: ShortLink
) -> None:
    account.is_active = False
    account.save()

    cache_sync.sync_changes()

    assert store.get(redis_cache.account_key(account.id)) == redis_cache.TOMBSTONE


def test_sync_fails_while_redis_is_unavailable(
    store: redis.Redis, link: ShortLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_links.disable(link)
    with monkeypatch.context() as patched:
        patched.setattr(CircuitBreaker, "is_open", True)
        with pytest.raises(redis.ConnectionError):
            cache_sync.sync_changes()

    assert cache_sync.sync_changes() == 1


def test_sync_continues_after_the_maximum_of_links(
    store: redis.Redis, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_sync, "BATCH_SIZE", 2)
    monkeypatch.setattr(cache_sync, "MAX_BATCHES", 2)
    monkeypatch.setattr(cache_sync, "OVERLAP", timedelta())
    contact = factories.contact(account)
    ended = [factories.link(contact, f"https://a.example/{n}") for n in range(7)]
    for link in ended:
        short_links.disable(link)

    while cache_sync.sync_changes() > 1:
        pass

    assert {cached(store, link) for link in ended} == {redis_cache.TOMBSTONE}
