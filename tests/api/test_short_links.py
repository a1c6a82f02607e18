"""`POST /api/v4/short_links` follows the specification and docs/contract.md.

Most tests run with a verified and with a cached token.
"""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from shortlinks.domain import quotas
from shortlinks.models import Account, AccountUsage, ShortLink, User
from tests import factories
from tests.api.conftest import Connect, connect_with_cached_token
from tests.conftest import Api

PATH = "/api/v4/short_links"


@pytest.fixture
def caller(connect: Connect) -> Callable[[User], Api]:
    return lambda user: connect(factories.token(user))


def order(entity_id: object, url: object = factories.URL) -> dict[str, object]:
    return {
        "url": url,
        "metadata": {"entity_type": "contacts", "entity_id": entity_id},
    }


def test_response_is_exactly_that_of_the_specification(
    account: Account, api: Api
) -> None:
    factories.contact(account, entity_id=11070881)

    response = api.post(PATH, [order(11070881, "https://www.yandex.ru")])

    link = ShortLink.objects.get()
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/hal+json"
    assert response.json() == {  # type: ignore[attr-defined]
        "_links": {"self": {"href": "/api/v4/short_links"}},
        "_embedded": {
            "short_links": [
                {
                    "url": f"{settings.SHORT_BASE_URL}/{link.code}",
                    "account_id": account.id,
                    "metadata": {"entity_type": "contacts", "entity_id": 11070881},
                }
            ]
        },
    }


def test_link_stores_the_source_url_and_the_normalized_target(
    account: Account, api: Api
) -> None:
    contact = factories.contact(account)

    api.post(PATH, [order(contact.entity_id, "https://Пример.рф/скидки?q=да")])

    link = ShortLink.objects.get()
    assert link.url == "https://Пример.рф/скидки?q=да"
    assert link.target == (
        "https://xn--e1afmkfd.xn--p1ai/%D1%81%D0%BA%D0%B8%D0%B4%D0%BA%D0%B8"
        "?q=%D0%B4%D0%B0"
    )


def test_full_account_gets_its_links_and_no_new_ones(
    account: Account, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.contact(account, entity_id=1)
    known = api.post(PATH, [order(1)]).content
    AccountUsage.objects.create(account=account, links=1, counted_to=0)
    monkeypatch.setattr(settings, "MAX_LINKS_PER_ACCOUNT", 1)
    quotas.clear_cache()

    same = api.post(PATH, [order(1)])
    new = api.post(PATH, [order(1, "https://shop.example/new")])

    assert (same.status_code, same.content) == (200, known)
    assert (new.status_code, msgspec.json.decode(new.content)["detail"]) == (
        403,
        "The account may have no more links (limit: 1). Nothing was stored. Ask the"
        " operator for a higher limit.",
    )
    assert ShortLink.objects.count() == 1


def test_single_object_counts_as_a_batch_of_one(account: Account, api: Api) -> None:
    contact = factories.contact(account)

    response = api.post(PATH, order(contact.entity_id))

    assert ids(response) == [contact.entity_id]


def test_batch_skips_contacts_that_the_caller_may_not_view(
    account: Account, manager: User, caller: Callable[[User], Api]
) -> None:
    own = [factories.contact(account, responsible_user=manager) for _ in range(3)]
    hidden = factories.contact(account)
    foreign = factories.contact(factories.account())
    deleted = factories.contact(account, responsible_user=manager, is_deleted=True)
    wanted = [own[2], hidden, own[0], foreign, deleted, own[1]]

    body = [order(contact.entity_id) for contact in wanted]
    response = caller(manager).post(PATH, [*body, order(999_999_999)])

    assert ids(response) == [own[2].entity_id, own[0].entity_id, own[1].entity_id]
    assert set(ShortLink.objects.values_list("contact", flat=True)) == {
        contact.id for contact in own
    }


@pytest.mark.parametrize(
    ("mask", "kept"),
    [("truncated", "198.51.100.0"), ("full", "198.51.100.7"), ("none", None)],
)
def test_link_stores_the_masked_address_of_its_creator(
    api: Api, account: Account, mask: str, kept: str | None
) -> None:
    account.address_mask = mask
    account.save()
    contact = factories.contact(account)

    api.send(
        "POST",
        PATH,
        data=msgspec.json.encode(order(contact.entity_id)),
        content_type="application/json",
        REMOTE_ADDR="198.51.100.7",
    )

    assert ShortLink.objects.get().created_from == kept


def test_response_is_an_empty_list_if_all_contacts_are_skipped(api: Api) -> None:
    response = api.post(PATH, [order(1)])

    assert (response.status_code, ids(response)) == (200, [])


def test_same_id_in_two_accounts_is_two_contacts(account: Account, api: Api) -> None:
    mine = factories.contact(account, entity_id=77)
    factories.contact(factories.account(), entity_id=77)

    api.post(PATH, [order(77)])

    assert ShortLink.objects.get().contact == mine


def test_same_request_returns_the_same_link(account: Account, api: Api) -> None:
    contact = factories.contact(account)
    twice = [order(contact.entity_id)] * 2

    first = api.post(PATH, twice)
    again = api.post(PATH, twice)

    assert len({*urls(first), *urls(again)}) == 1
    assert ShortLink.objects.count() == 1


def test_contacts_and_urls_never_share_a_link(account: Account, api: Api) -> None:
    a, b = factories.contact(account), factories.contact(account)
    other = "https://shop.example/other"

    response = api.post(
        PATH,
        [order(a.entity_id), order(b.entity_id), order(a.entity_id, other)],
    )

    assert len(set(urls(response))) == 3


@pytest.mark.parametrize(
    "ended",
    [
        pytest.param({"disabled_at": timezone.now()}, id="disabled"),
        pytest.param(
            {"expires_at": timezone.now() - timedelta(seconds=1)}, id="expired"
        ),
    ],
)
def test_new_link_is_created_after_the_old_one_ended(
    account: Account, api: Api, ended: dict[str, Any]
) -> None:
    contact = factories.contact(account)
    old = factories.link(contact, **ended)

    response = api.post(PATH, [order(contact.entity_id)])

    assert urls(response) != [f"{settings.SHORT_BASE_URL}/{old.code}"]
    assert len(urls(response)) == 1


@pytest.mark.parametrize("size", [1, 250])
@pytest.mark.parametrize(
    ("connect", "queries"),
    [
        # savepoint, insert, savepoint
        pytest.param(connect_with_cached_token, 3, id="cached"),
        # the token's row, then the same
        pytest.param(Api, 4, id="verified"),
    ],
)
def test_query_count_of_new_links_does_not_depend_on_the_size(
    account: Account,
    api: Api,
    size: int,
    queries: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    contacts = [factories.contact(account) for _ in range(size)]
    api.get("/api/v4/account")  # stores the token's last use

    with django_assert_num_queries(queries):
        response = api.post(PATH, [order(contact.entity_id) for contact in contacts])

    assert ids(response) == [contact.entity_id for contact in contacts]
    codes = dict(ShortLink.objects.values_list("contact_id", "code"))
    assert urls(response) == [
        f"{settings.SHORT_BASE_URL}/{codes[contact.id]}" for contact in contacts
    ]


@pytest.mark.parametrize("size", [1, 250])
@pytest.mark.parametrize("connect", [connect_with_cached_token], ids=["cached"])
def test_query_count_of_existing_links_does_not_depend_on_the_size(
    account: Account,
    api: Api,
    size: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    contacts = [factories.contact(account) for _ in range(size)]
    first = api.post(PATH, [order(contact.entity_id) for contact in contacts])

    # savepoint, insert, savepoint; token, contacts; savepoint, insert, savepoint;
    # savepoint, lock contacts, disable expired, insert, select, savepoint
    with django_assert_num_queries(14):
        response = api.post(PATH, [order(contact.entity_id) for contact in contacts])

    assert urls(response) == urls(first)


def test_batch_returns_new_and_existing_links(account: Account, api: Api) -> None:
    contact, new = factories.contact(account), factories.contact(account)
    first = api.post(PATH, order(contact.entity_id))

    response = api.post(PATH, [order(new.entity_id), order(contact.entity_id)])

    assert urls(response)[1:] == urls(first)
    assert ShortLink.objects.count() == 2


def test_link_of_a_merged_contact_belongs_to_the_survivor(
    account: Account, api: Api
) -> None:
    survivor = factories.contact(account)
    merged = factories.contact(account, merged_into=survivor)

    alone = api.post(PATH, order(merged.entity_id))
    both = api.post(PATH, [order(survivor.entity_id), order(merged.entity_id)])

    assert ids(alone) == [merged.entity_id]
    assert ids(both) == [survivor.entity_id, merged.entity_id]
    assert set(urls(both)) == set(urls(alone))
    assert ShortLink.objects.get().contact_id == survivor.id


def test_concurrent_requests_create_each_link_once(
    transactional_db: None, connect: Connect
) -> None:
    account = factories.account()
    token = factories.token(factories.admin(account))
    connect(token)
    contacts = [factories.contact(account) for _ in range(20)]

    answers = post_concurrently(token, [order(each.entity_id) for each in contacts])

    assert answers == [answers[0]] * 8
    assert ShortLink.objects.count() == 20


def test_concurrent_requests_replace_expired_links_once(
    transactional_db: None,
) -> None:
    account = factories.account()
    token = factories.token(factories.admin(account))
    contacts = [factories.contact(account) for _ in range(20)]
    for contact in contacts:  # each client has to disable these first
        factories.link(contact, expires_at=timezone.now() - timedelta(seconds=1))

    answers = post_concurrently(
        token, [order(contact.entity_id) for contact in contacts]
    )

    assert answers == [answers[0]] * 8
    assert ShortLink.objects.filter(disabled_at=None).count() == 20


def test_context_user_limits_the_permissions_of_an_administrator(
    account: Account, api: Api, manager: User
) -> None:
    own = factories.contact(account, responsible_user=manager)
    other = factories.contact(account)
    body = [order(own.entity_id), order(other.entity_id)]

    response = api.post(PATH, body, **{"X-Context-User-ID": str(manager.id)})

    assert ids(response) == [own.entity_id]


def post_concurrently(token: str, body: list[dict[str, object]]) -> list[list[str]]:
    """Return the URLs that eight clients get, in the order of the body.

    Half of them send the body in reverse.
    """
    answers: list[list[str]] = []

    def post(*, reverse: bool) -> None:
        found = urls(Api(token).post(PATH, body[::-1] if reverse else body))
        answers.append(found[::-1] if reverse else found)
        connection.close()

    threads = [
        threading.Thread(target=post, kwargs={"reverse": number % 2 == 0})
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return answers


def ids(response: object) -> list[int]:
    links = response.json()["_embedded"]["short_links"]  # type: ignore[attr-defined]
    return [link["metadata"]["entity_id"] for link in links]


def urls(response: object) -> list[str]:
    links = response.json()["_embedded"]["short_links"]  # type: ignore[attr-defined]
    return [link["url"] for link in links]
