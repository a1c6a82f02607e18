"""`POST /api/v4/short_links` with a token that the process has seen before.

It takes one statement where a stranger's takes several, and nobody may tell from the
answers which it was.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from shortlinks.domain.auth import tokens
from shortlinks.domain.links import redis_cache
from shortlinks.domain.links.redis_cache import TOMBSTONE
from shortlinks.models import Account, ApiToken, Contact, ShortLink, User
from tests import factories, services
from tests.api.test_short_links import PATH, ids, order, order_at_once, urls
from tests.conftest import Api

# A savepoint, since tests are in a transaction; the statement; the savepoint's end.
AT_ONCE = 3


def meet(token: str) -> Api:
    """A program whose token the process knows: its use was noted, and then read."""
    api = Api(token)
    for _ in range(2):
        assert api.get("/api/v4/account").status_code == 200
    return api


@pytest.fixture
def known(admin: User) -> Api:
    return meet(factories.token(admin))


def test_new_links_take_one_statement_however_many(
    account: Account, known: Api, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    contacts = [factories.contact(account) for _ in range(250)]

    with django_assert_num_queries(AT_ONCE):
        response = known.post(PATH, [order(c.entity_id) for c in contacts])

    assert ids(response) == [contact.entity_id for contact in contacts]
    stored = {link.contact_id: link for link in ShortLink.objects.all()}
    assert urls(response) == [
        f"{settings.SHORT_BASE_URL}/{stored[contact.id].code}" for contact in contacts
    ]


def test_the_link_is_that_of_a_strangers_order(
    account: Account, known: Api, api: Api
) -> None:
    ours, theirs = factories.contact(account), factories.contact(account)
    url = "https://Пример.рф/скидки?q=да"

    answers = [
        one.post(PATH, order(contact.entity_id, url), **{"X-Forwarded-For": "1.2.3.4"})
        for one, contact in ((known, ours), (api, theirs))
    ]

    first, second = ShortLink.objects.order_by("id")
    its_own = {"id", "contact_id", "code", "batch", "created_at", "_state"}
    assert {k: v for k, v in vars(first).items() if k not in its_own} == {
        k: v for k, v in vars(second).items() if k not in its_own
    }
    assert [shape(answer) for answer in answers] == [shape(answers[0])] * 2


def shape(answer: HttpResponse) -> tuple[int, str, list[str]]:
    body = answer.json()  # type: ignore[attr-defined]
    return answer.status_code, answer.headers["Content-Type"], [*body, *body["_links"]]


def revoke(token: ApiToken) -> None:
    tokens.revoke([token])


def expire(token: ApiToken) -> None:
    ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now())


def forget(token: ApiToken) -> None:
    token.delete()


def dismiss(token: ApiToken) -> None:
    User.objects.filter(pk=token.user_id).update(is_active=False)


def close(token: ApiToken) -> None:
    Account.objects.filter(pk=token.account_id).update(is_active=False)


def narrow_scopes(token: ApiToken) -> None:
    ApiToken.objects.filter(pk=token.pk).update(scopes=[])


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (revoke, 401),
        (expire, 401),
        (forget, 401),
        (dismiss, 401),
        (close, 401),
        (narrow_scopes, 403),
    ],
)
def test_what_was_taken_from_a_token_is_noticed_at_once(
    account: Account,
    manager: User,
    change: Callable[[ApiToken], None],
    status: int,
) -> None:
    contact = factories.contact(account, responsible_user=manager)
    issued = tokens.issue(manager, name="CRM")
    known = meet(issued.text)

    change(issued.row)

    assert known.post(PATH, order(contact.entity_id)).status_code == status
    assert not ShortLink.objects.exists()


def lower_letter(contact: Contact, manager: User) -> None:
    User.objects.filter(pk=manager.pk).update(contacts_view="D", contacts_edit="D")


def hand_over(contact: Contact, manager: User) -> None:
    Contact.objects.filter(pk=contact.pk).update(responsible_user=None)


def delete(contact: Contact, manager: User) -> None:
    Contact.objects.filter(pk=contact.pk).update(is_deleted=True)


@pytest.mark.parametrize("change", [lower_letter, hand_over, delete])
def test_what_was_taken_from_its_user_is_noticed_at_once(
    account: Account, manager: User, change: Callable[[Contact, User], None]
) -> None:
    lost, kept = (
        factories.contact(account, responsible_user=manager) for _ in range(2)
    )
    known = meet(factories.token(manager))

    change(lost, manager)

    left = [] if change is lower_letter else [kept.entity_id]
    response = known.post(PATH, [order(lost.entity_id), order(kept.entity_id)])
    assert ids(response) == left
    assert ShortLink.objects.count() == len(left)


def test_a_user_who_becomes_an_administrator_is_one_at_once(
    account: Account, manager: User
) -> None:
    contact = factories.contact(account)
    known = meet(factories.token(manager))
    assert ids(known.post(PATH, order(contact.entity_id))) == []

    User.objects.filter(pk=manager.pk).update(is_admin=True)

    assert ids(known.post(PATH, order(contact.entity_id))) == [contact.entity_id]


def test_another_accounts_contact_of_the_same_id_is_another(known: Api) -> None:
    foreign = factories.contact(factories.account())

    assert ids(known.post(PATH, order(foreign.entity_id))) == []


def test_the_same_order_answers_with_the_same_link(
    account: Account, known: Api
) -> None:
    contact, fresh = factories.contact(account), factories.contact(account)
    first = known.post(PATH, order(contact.entity_id))

    again = known.post(PATH, [order(fresh.entity_id), order(contact.entity_id)])
    twice = known.post(PATH, [order(fresh.entity_id, "https://new.example")] * 2)

    assert urls(again)[1:] == urls(first)
    assert len(set(urls(twice))) == 1
    assert ShortLink.objects.count() == 3


def test_two_ids_of_one_contact_share_a_link(account: Account, known: Api) -> None:
    root = factories.contact(account)
    merged = factories.contact(account, merged_into=root)

    response = known.post(PATH, [order(root.entity_id), order(merged.entity_id)])

    assert ids(response) == [root.entity_id, merged.entity_id]
    assert len(set(urls(response))) == 1
    assert ShortLink.objects.get().contact_id == root.id


def test_an_id_of_a_merged_contact_is_its_roots(account: Account, known: Api) -> None:
    root = factories.contact(account)
    merged = factories.contact(account, merged_into=root)

    response = known.post(PATH, order(merged.entity_id))

    assert ids(response) == [merged.entity_id]
    assert ShortLink.objects.get().contact_id == root.id


def test_a_link_that_has_ended_is_followed_by_a_new_one(
    account: Account, known: Api
) -> None:
    contact = factories.contact(account)
    ended = timezone.now() - timedelta(seconds=1)
    old = factories.link(contact, expires_at=ended)

    [url] = urls(known.post(PATH, order(contact.entity_id)))

    assert not url.endswith(old.code)


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        [order(1, "javascript:alert(1)")],
        [order("1")],
        [order(1), "x"],
        [order(1)] * 251,
    ],
    ids=str,
)
def test_a_bad_body_gets_a_strangers_answer(
    known: Api, api: Api, account: Account, body: Any
) -> None:
    factories.contact(account, entity_id=1)

    ours, theirs = known.post(PATH, body), api.post(PATH, body)

    assert ours.status_code == theirs.status_code == 400
    assert ours.content == theirs.content
    assert not ShortLink.objects.exists()


def test_context_user_narrows_rights(
    account: Account, known: Api, manager: User
) -> None:
    other = factories.contact(account)

    response = known.post(
        PATH, order(other.entity_id), **{"X-Context-User-ID": str(manager.id)}
    )

    assert ids(response) == []


def test_a_request_counts_once_for_the_limits(
    account: Account, known: Api, settings: Settings
) -> None:
    """What is not all new is looked at twice."""
    contact = factories.contact(account)
    settings.API_RATE_LIMIT_PER_TOKEN = 3

    answers = [known.post(PATH, order(contact.entity_id)) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200] * 3


def test_who_comes_too_often_hears_so(
    account: Account, known: Api, settings: Settings
) -> None:
    contacts = [factories.contact(account) for _ in range(10)]
    settings.API_RATE_LIMIT_PER_TOKEN = 1

    answers = [known.post(PATH, order(c.entity_id)) for c in contacts]

    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert all(answer.headers["Retry-After"] == "1" for answer in refused)
    assert ShortLink.objects.count() == len(answers) - len(refused)


def test_redirects_find_the_link_in_redis_soon(transactional_db: None) -> None:
    contact = factories.contact(factories.account())
    known = meet(factories.token(factories.admin(contact.account)))

    known.post(PATH, order(contact.entity_id))

    link = ShortLink.objects.get()
    services.wait_for(lambda: cached(link.code) is not None, seconds=10)


def test_what_redis_has_heard_since_stays(transactional_db: None) -> None:
    """A link may be disabled before the thread has written that it is there."""
    ended = factories.link(factories.contact(factories.account()))
    ended.disabled_at = timezone.now()
    redis_cache.refresh([ended])
    later = "a-later-one"

    entry = redis_cache.from_link(ended)
    redis_cache.write_soon({ended.code: entry})
    redis_cache.write_soon({later: entry})

    services.wait_for(lambda: cached(later) is not None, seconds=10)
    assert cached(ended.code) == TOMBSTONE


def cached(code: str) -> object:
    return redis_cache._client().get(redis_cache.link_key(code))


def test_many_programs_that_order_the_same_get_one_link(
    transactional_db: None,
) -> None:
    account = factories.account()
    token = factories.token(factories.admin(account))
    meet(token)
    contacts = [factories.contact(account) for _ in range(20)]

    answers = order_at_once(token, [order(contact.entity_id) for contact in contacts])

    assert answers == [answers[0]] * 8
    assert ShortLink.objects.count() == 20
