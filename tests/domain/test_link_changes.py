"""A link that was disabled while Redis was away does not come back with it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import redis
from django.utils import timezone

from shortlinks.domain.links import cache_sync, redis_cache, short_links
from shortlinks.models import Account, ShortLink
from tests import factories


@pytest.fixture
def store() -> Iterator[redis.Redis]:
    client = redis_cache._client()
    client.delete("sl:changes-published-until")
    yield client
    client.delete("sl:changes-published-until")


@pytest.fixture
def link(account: Account, store: redis.Redis) -> ShortLink:
    """One that Redis knows as it was."""
    link = factories.link(factories.contact(account))
    redis_cache.refresh([link])
    return link


def cached(store: redis.Redis, link: ShortLink) -> object:
    return store.get(redis_cache.link_key(link.code))


def test_changes_that_redis_missed_are_published(
    store: redis.Redis, link: ShortLink
) -> None:
    short_links.disable(
        link
    )  # no commit hook runs inside of a test: Redis hears nothing
    assert cached(store, link) != redis_cache.TOMBSTONE

    assert cache_sync.sync_changes() == 1

    assert cached(store, link) == redis_cache.TOMBSTONE


def test_what_was_published_long_ago_is_not_published_again(
    store: redis.Redis, link: ShortLink
) -> None:
    short_links.disable(link)
    link.changed_at = timezone.now() - timedelta(minutes=10)
    link.save()
    cache_sync.sync_changes()

    assert cache_sync.sync_changes() == 0


def test_an_account_that_was_switched_off_has_no_links(
    store: redis.Redis, account: Account, link: ShortLink
) -> None:
    account.is_active = False
    account.save()

    cache_sync.sync_changes()

    assert store.get(redis_cache.account_key(account.id)) == redis_cache.TOMBSTONE


def test_while_redis_is_away_nothing_counts_as_published(
    store: redis.Redis, link: ShortLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_links.disable(link)
    with monkeypatch.context() as patched:
        patched.setattr(redis_cache._unavailable, "until", float("inf"))
        with pytest.raises(redis.ConnectionError):
            cache_sync.sync_changes()

    assert cache_sync.sync_changes() == 1


def test_what_does_not_fit_into_one_call_is_published_by_the_next(
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
