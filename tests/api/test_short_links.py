"""`POST /api/v4/short_links`: the specification and contract §1."""

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

from shortlinks.models import Account, ShortLink, User
from tests import factories
from tests.conftest import Api

PATH = "/api/v4/short_links"


def order(entity_id: object, url: object = factories.URL) -> dict[str, object]:
    return {
        "url": url,
        "metadata": {"entity_type": "contacts", "entity_id": entity_id},
    }


def test_answers_exactly_as_the_specification_says(account: Account, api: Api) -> None:
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


def test_keeps_the_url_for_people_and_a_target_for_browsers(
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


def test_a_single_object_counts_as_a_batch_of_one(account: Account, api: Api) -> None:
    contact = factories.contact(account)

    response = api.post(PATH, order(contact.entity_id))

    assert ids(response) == [contact.entity_id]


def test_skips_contacts_the_caller_may_not_see(
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
def test_remembers_from_where_a_link_may_be_tried(
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


def test_answers_an_empty_list_when_all_are_left_out(api: Api) -> None:
    response = api.post(PATH, [order(1)])

    assert (response.status_code, ids(response)) == (200, [])


def test_the_same_id_in_two_accounts_is_two_contacts(
    account: Account, api: Api
) -> None:
    mine = factories.contact(account, entity_id=77)
    factories.contact(factories.account(), entity_id=77)

    api.post(PATH, [order(77)])

    assert ShortLink.objects.get().contact == mine


def test_the_same_order_answers_with_the_same_link(account: Account, api: Api) -> None:
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
def test_makes_a_new_link_when_the_old_one_has_ended(
    account: Account, api: Api, ended: dict[str, Any]
) -> None:
    contact = factories.contact(account)
    old = factories.link(contact, **ended)

    response = api.post(PATH, [order(contact.entity_id)])

    assert urls(response) != [f"{settings.SHORT_BASE_URL}/{old.code}"]
    assert len(urls(response)) == 1


@pytest.mark.parametrize("size", [1, 250])
def test_queries_do_not_depend_on_the_size_of_the_batch(
    account: Account,
    api: Api,
    size: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    contacts = [factories.contact(account) for _ in range(size)]
    api.get("/api/v4/account")  # notes the token's use, once a minute

    # token, contacts, savepoint, insert, savepoint
    with django_assert_num_queries(5):
        response = api.post(PATH, [order(c.entity_id) for c in contacts])

    assert len(ids(response)) == size


@pytest.mark.parametrize("size", [1, 250])
def test_nor_do_they_when_links_are_ordered_again(
    account: Account,
    api: Api,
    size: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    contacts = [factories.contact(account) for _ in range(size)]
    first = api.post(PATH, [order(c.entity_id) for c in contacts])

    # as above; savepoint, end expired, insert, select, savepoint
    with django_assert_num_queries(10):
        response = api.post(PATH, [order(c.entity_id) for c in contacts])

    assert urls(response) == urls(first)


def test_many_programs_that_order_the_same_get_one_link(
    transactional_db: None,
) -> None:
    account = factories.account()
    token = factories.token(factories.admin(account))
    contacts = [factories.contact(account) for _ in range(20)]
    for contact in contacts:  # which all of them have to end first
        factories.link(contact, expires_at=timezone.now() - timedelta(seconds=1))

    answers = order_at_once(token, [order(contact.entity_id) for contact in contacts])

    assert answers == [answers[0]] * 8
    assert ShortLink.objects.filter(disabled_at=None).count() == 20


def test_context_user_narrows_an_administrators_rights(
    account: Account, api: Api, manager: User
) -> None:
    own = factories.contact(account, responsible_user=manager)
    other = factories.contact(account)
    body = [order(own.entity_id), order(other.entity_id)]

    response = api.post(PATH, body, **{"X-Context-User-ID": str(manager.id)})

    assert ids(response) == [own.entity_id]


def order_at_once(token: str, body: list[dict[str, object]]) -> list[list[str]]:
    """What eight programs are answered, in the body's order; half ask the other way."""
    answers: list[list[str]] = []

    def post(*, backwards: bool) -> None:
        found = urls(Api(token).post(PATH, body[::-1] if backwards else body))
        answers.append(found[::-1] if backwards else found)
        connection.close()

    threads = [
        threading.Thread(target=post, kwargs={"backwards": number % 2 == 0})
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
