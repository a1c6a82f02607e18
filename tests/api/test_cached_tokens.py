"""`POST /api/v4/short_links` with a cached token: changes of its rows apply at once."""

from collections.abc import Callable

import pytest
from django.utils import timezone

from shortlinks.domain import redis_client
from shortlinks.domain.auth import tokens
from shortlinks.domain.links import redis_cache
from shortlinks.domain.links.redis_cache import TOMBSTONE
from shortlinks.models import Account, ApiToken, Contact, ShortLink, User
from tests import factories, services
from tests.api.conftest import connect_with_cached_token
from tests.api.test_short_links import PATH, ids, order


def revoke(token: ApiToken) -> None:
    tokens.revoke([token])


def expire(token: ApiToken) -> None:
    ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now())


def delete_token(token: ApiToken) -> None:
    token.delete()


def deactivate_user(token: ApiToken) -> None:
    User.objects.filter(pk=token.user_id).update(is_active=False)


def deactivate_account(token: ApiToken) -> None:
    Account.objects.filter(pk=token.account_id).update(is_active=False)


def remove_scopes(token: ApiToken) -> None:
    ApiToken.objects.filter(pk=token.pk).update(scopes=[])


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (revoke, 401),
        (expire, 401),
        (delete_token, 401),
        (deactivate_user, 401),
        (deactivate_account, 401),
        (remove_scopes, 403),
    ],
)
def test_cached_token_is_rejected_after_its_change(
    account: Account,
    manager: User,
    change: Callable[[ApiToken], None],
    status: int,
) -> None:
    contact = factories.contact(account, responsible_user=manager)
    issued = tokens.issue(manager, name="CRM")
    api = connect_with_cached_token(issued.text)

    change(issued.row)

    assert api.post(PATH, order(contact.entity_id)).status_code == status
    assert not ShortLink.objects.exists()


def deny_access(contact: Contact, manager: User) -> None:
    User.objects.filter(pk=manager.pk).update(contacts_view="D", contacts_edit="D")


def reassign(contact: Contact, manager: User) -> None:
    Contact.objects.filter(pk=contact.pk).update(responsible_user=None)


def delete_contact(contact: Contact, manager: User) -> None:
    Contact.objects.filter(pk=contact.pk).update(is_deleted=True)


@pytest.mark.parametrize("change", [deny_access, reassign, delete_contact])
def test_cached_token_skips_contacts_after_a_loss_of_permissions(
    account: Account, manager: User, change: Callable[[Contact, User], None]
) -> None:
    lost, kept = (
        factories.contact(account, responsible_user=manager) for _ in range(2)
    )
    api = connect_with_cached_token(factories.token(manager))

    change(lost, manager)

    visible = [] if change is deny_access else [kept.entity_id]
    response = api.post(PATH, [order(lost.entity_id), order(kept.entity_id)])
    assert ids(response) == visible
    assert ShortLink.objects.count() == len(visible)


def test_cached_token_gains_permissions_after_a_promotion(
    account: Account, manager: User
) -> None:
    contact = factories.contact(account)
    api = connect_with_cached_token(factories.token(manager))
    assert ids(api.post(PATH, order(contact.entity_id))) == []

    User.objects.filter(pk=manager.pk).update(is_admin=True)

    assert ids(api.post(PATH, order(contact.entity_id))) == [contact.entity_id]


def test_new_link_is_written_to_redis_soon(transactional_db: None) -> None:
    contact = factories.contact(factories.account())
    api = connect_with_cached_token(factories.token(factories.admin(contact.account)))

    api.post(PATH, order(contact.entity_id))

    link = ShortLink.objects.get()
    services.wait_for(lambda: cached(link.code) is not None, seconds=10)


def test_new_link_never_overwrites_a_tombstone(transactional_db: None) -> None:
    """A link may be disabled before the thread has written it to Redis."""
    disabled = factories.link(factories.contact(factories.account()))
    disabled.disabled_at = timezone.now()
    redis_cache.refresh([disabled])
    later = "a-later-one"

    entry = redis_cache.from_link(disabled)
    redis_cache.write_soon({disabled.code: entry})
    redis_cache.write_soon({later: entry})

    services.wait_for(lambda: cached(later) is not None, seconds=10)
    assert cached(disabled.code) == TOMBSTONE


def cached(code: str) -> object:
    return redis_client.client().get(redis_cache.link_key(code))
