"""Links by their ids: read, disable, enable and expire them; read their visits."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from shortlinks.domain import redis_client
from shortlinks.domain.links import redis_cache
from shortlinks.domain.visits import processing
from shortlinks.models import Account, Contact, Scope, ShortLink, User
from tests import factories
from tests.conftest import Api

PATH = "/api/v4/short_links"


@pytest.fixture
def contact(account: Account, manager: User) -> Contact:
    return factories.contact(account, entity_id=7, responsible_user=manager)


@pytest.fixture
def link(contact: Contact) -> ShortLink:
    return factories.link(contact)


def read(api: Api, path: str = PATH, name: str = "short_links") -> list[dict[str, Any]]:
    response: Any = api.get(path)
    if response.status_code == 204:
        return []
    rows: list[dict[str, Any]] = response.json()["_embedded"][name]
    return rows


def test_link_is_returned_without_its_short_url(api: Api, link: ShortLink) -> None:
    opened = factories.visit(link)
    factories.visit(link, user_agent="curl/8")
    processing.process_due()

    assert read(api) == [
        {
            "id": link.id,
            "url": link.url,
            "account_id": link.account_id,
            "metadata": {"entity_type": "contacts", "entity_id": 7},
            "state": "live",
            "opens": 1,
            "last_opened_at": int(opened.occurred_at.timestamp()),
            "created_at": int(link.created_at.timestamp()),
            "disabled_at": None,
            "expires_at": None,
            "_links": {"self": {"href": f"http://testserver{PATH}/{link.id}"}},
        }
    ]


def test_links_are_filtered(api: Api, account: Account, contact: Contact) -> None:
    now = timezone.now()
    live, disabled, expired = (
        factories.link(contact, f"https://shop.example/{n}") for n in range(3)
    )
    ShortLink.objects.filter(pk=disabled.pk).update(disabled_at=now)
    ShortLink.objects.filter(pk=expired.pk).update(expires_at=now - timedelta(days=1))
    other = factories.link(factories.contact(account, entity_id=8))

    def ids(query: str) -> list[int]:
        return [row["id"] for row in read(api, f"{PATH}?{query}")]

    assert ids("filter[entity_id]=8") == [other.id]
    assert ids("filter[state]=disabled") == [disabled.id]
    assert ids("filter[state]=expired") == [expired.id]
    assert ids("filter[state]=live&filter[entity_id]=7") == [live.id]
    assert ids("filter[url]=https://shop.example/1") == [disabled.id]
    assert ids(f"filter[created_at][from]={int(now.timestamp()) + 60}") == []


def test_link_is_disabled_and_enabled(api: Api, link: ShortLink) -> None:
    off: Any = api.patch(f"{PATH}/{link.id}", {"is_disabled": True})
    again: Any = api.patch(f"{PATH}/{link.id}", {"is_disabled": True})
    on: Any = api.patch(f"{PATH}/{link.id}", {"is_disabled": False})

    assert [r.json()["state"] for r in (off, again, on)] == [
        "disabled",
        "disabled",
        "live",
    ]
    assert off.json()["disabled_at"] == again.json()["disabled_at"]


def test_link_gets_and_loses_an_expiry(api: Api, link: ShortLink) -> None:
    soon = int(timezone.now().timestamp()) + 3600

    set_: Any = api.patch(f"{PATH}/{link.id}", {"expires_at": soon})
    taken: Any = api.patch(f"{PATH}/{link.id}", {"expires_at": None})

    assert (set_.json()["expires_at"], taken.json()["expires_at"]) == (soon, None)


def test_link_stays_disabled_if_another_is_active(
    api: Api, contact: Contact, link: ShortLink
) -> None:
    api.patch(f"{PATH}/{link.id}", {"is_disabled": True})
    factories.link(contact, link.url)

    response: Any = api.patch(f"{PATH}/{link.id}", {"is_disabled": False})

    assert response.status_code == 409
    link.refresh_from_db()
    assert link.disabled_at is not None


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"is_disabled": "yes"}, "is_disabled"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"expires_at": 10**15}, "expires_at"),
    ],
)
def test_invalid_change_changes_nothing(
    api: Api, link: ShortLink, body: dict[str, object], path: str
) -> None:
    response: Any = api.patch(f"{PATH}/{link.id}", body)

    assert response.status_code == 400
    [failed] = response.json()["validation-errors"]
    assert failed["errors"][0]["path"] == path


def test_change_is_written_to_redis(
    transactional_db: None, caller: Callable[[User], Api]
) -> None:
    admin = factories.admin(factories.account())
    assert admin.account is not None
    link = factories.link(factories.contact(admin.account))

    caller(admin).patch(f"{PATH}/{link.id}", {"is_disabled": True})

    stored = redis_client.client().get(redis_cache.link_key(link.code))
    assert stored == redis_cache.TOMBSTONE


def test_access_level_limits_links(
    account: Account,
    manager: User,
    link: ShortLink,
    caller: Callable[[User], Api],
) -> None:
    hidden = factories.link(factories.contact(account))
    foreign = factories.link(factories.contact(factories.account()))
    reader = factories.user(account, contacts_view="A", contacts_edit="D")
    api = caller(manager)

    assert [row["id"] for row in read(api)] == [link.id]
    for other in (hidden, foreign):
        assert api.get(f"{PATH}/{other.id}").status_code == 404
        patched = api.patch(f"{PATH}/{other.id}", {"is_disabled": True})
        assert patched.status_code == 404
    patched = caller(reader).patch(f"{PATH}/{link.id}", {"is_disabled": True})
    assert patched.status_code == 403
    assert not ShortLink.objects.exclude(disabled_at=None).exists()


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", PATH, Scope.LINKS_WRITE),
        ("PATCH", f"{PATH}/1", Scope.LINKS_READ),
        ("GET", "/api/v4/contacts/7/visits", Scope.CONTACTS_READ),
    ],
)
def test_links_are_forbidden_without_the_scope(
    admin: User, method: str, path: str, scope: Scope
) -> None:
    api = Api(factories.token(admin, scopes=[scope]))

    response: Any = api.send(method, path)

    assert (response.status_code, response.json()["detail"]) == (403, "Invalid scope")


def test_visits_are_returned_with_their_verdicts(api: Api, link: ShortLink) -> None:
    person = factories.visit(link, occurred_at=timezone.now() - timedelta(hours=1))
    bot = factories.visit(link, user_agent="curl/8")
    processing.process_due()
    factories.visit(link)  # not classified yet

    path = "/api/v4/contacts/7/visits"
    told = read(api, path, "visits")

    assert [(visit["id"], visit["verdict"]) for visit in told] == [
        (str(bot.id), "bot"),
        (str(person.id), "person"),
    ]
    assert told[1] == {
        "id": str(person.id),
        "link_id": link.id,
        "url": link.url,
        "occurred_at": int(person.occurred_at.timestamp()),
        "visit_count": 1,
        "verdict": "person",
        "certainty": "certain",
        "reason": "browser",
        "explanation": "Opened in a browser.",
        "method": "GET",
        "user_agent": factories.CHROME,
        "referer": "",
        "address": "192.0.2.0",
    }
    assert len(read(api, f"{path}?filter[verdict]=person", "visits")) == 1
