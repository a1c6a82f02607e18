"""Admin pages for links; disabling and expiry reach the redirects."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from shortlinks.domain import redis_client
from shortlinks.domain.links import redis_cache, short_links
from shortlinks.models import ShortLink, User
from tests import factories
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import World, address, listing
from tests.concurrency import in_own_connection, wait_until_blocked


@pytest.fixture
def client(admin: User, sign_in: SignIn) -> Client:
    return sign_in(admin)


def _cached(link: ShortLink) -> bytes | None:
    value = redis_client.client().get(redis_cache.link_key(link.code))
    return value if isinstance(value, bytes) else None


def test_disabled_link_stops_immediately(
    client: Client,
    own: World,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    posted = {"action": "disable", "_selected_action": [own.link.pk]}

    with django_capture_on_commit_callbacks(execute=True):
        client.post(listing(ShortLink), posted)

    own.link.refresh_from_db()
    assert own.link.disabled_at is not None
    assert _cached(own.link) == redis_cache.TOMBSTONE


def test_disabling_a_disabled_link_changes_nothing(client: Client, own: World) -> None:
    short_links.disable(own.link)
    posted = {"action": "disable", "_selected_action": [own.link.pk]}

    response: Any = client.post(listing(ShortLink), posted, follow=True)

    stored = ShortLink.objects.get(pk=own.link.pk)
    assert stored.disabled_at == own.link.disabled_at
    assert "Links disabled: 0." in response.content.decode()


@pytest.mark.django_db(transaction=True)
def test_disabling_locks_links_in_the_order_of_workers(
    client: Client, own: World
) -> None:
    """Otherwise, a worker could wait for the action, and the action for the worker."""
    first, second = own.link, factories.link(own.contact, "https://shop.example/2")
    first.save()  # moves its row behind the other
    posted = {"action": "disable", "_selected_action": [second.pk, first.pk]}

    def disable() -> Any:
        return in_own_connection(lambda: client.post(listing(ShortLink), posted))

    with ThreadPoolExecutor(1) as thread, transaction.atomic():
        ShortLink.objects.select_for_update().get(pk=first.pk)
        disabled = thread.submit(disable)
        wait_until_blocked()
        ShortLink.objects.select_for_update(nowait=True).get(pk=second.pk)

    assert disabled.result().status_code == 302
    assert not ShortLink.objects.filter(disabled_at=None).exists()


@pytest.mark.parametrize("days", [-1, 1], ids=["past", "future"])
def test_new_expiry_reaches_the_redirects(
    client: Client,
    own: World,
    days: int,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    end = (timezone.now() + timedelta(days=days)).replace(microsecond=0)
    local = end.astimezone(ZoneInfo(own.account.time_zone))
    posted = {"expires_at_0": f"{local:%Y-%m-%d}", "expires_at_1": f"{local:%H:%M:%S}"}

    with django_capture_on_commit_callbacks(execute=True):
        client.post(address(own.link, "change"), posted | {"url": "https://x.example"})

    stored = ShortLink.objects.get(pk=own.link.pk)
    expected = {
        -1: redis_cache.TOMBSTONE,
        1: msgspec.json.encode(redis_cache.from_link(stored)),
    }
    assert (stored.expires_at, stored.url) == (end, own.link.url)
    assert _cached(own.link) == expected[days]


def test_new_expiry_does_not_enable_a_disabled_link(
    client: Client,
    own: World,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        short_links.disable(own.link)
        client.post(
            address(own.link, "change"),
            {"expires_at_0": "2099-01-01", "expires_at_1": "12:00:00"},
        )

    assert ShortLink.objects.get(pk=own.link.pk).expires_at is None
    assert _cached(own.link) == redis_cache.TOMBSTONE


def test_links_cannot_be_added_or_deleted(client: Client, own: World) -> None:
    statuses = [
        client.get(listing(ShortLink, "add")).status_code,
        client.post(address(own.link, "delete"), {"post": "yes"}).status_code,
    ]

    assert statuses == [403, 403]


def test_links_are_filtered_by_disabled(client: Client, own: World) -> None:
    pages: list[Any] = [
        client.get(listing(ShortLink), {"disabled": value}) for value in ("no", "yes")
    ]

    assert [page.context["cl"].result_count for page in pages] == [1, 0]
