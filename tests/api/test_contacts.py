"""`/api/v4/contacts` in the shapes of contract §4."""

from collections.abc import Callable
from typing import Any

import pytest

from shortlinks.models import Account, Contact, User
from tests import factories
from tests.conftest import Api

PATH = "/api/v4/contacts"


def test_a_contact_has_every_key_that_clients_read(
    account: Account, admin: User, api: Api
) -> None:
    contact = factories.contact(
        account, entity_id=42, name="Анна", responsible_user=admin, created_by=admin
    )

    response: Any = api.get(f"{PATH}/42")

    created = int(contact.created_at.timestamp())
    assert response.json() == {
        "id": 42,
        "name": "Анна",
        "first_name": "",
        "last_name": "",
        "responsible_user_id": admin.id,
        "group_id": 0,
        "created_by": admin.id,
        "updated_by": 0,
        "created_at": created,
        "updated_at": int(contact.updated_at.timestamp()),
        "closest_task_at": None,
        "is_deleted": False,
        "is_unsorted": False,
        "custom_fields_values": None,
        "account_id": account.id,
        "_links": {"self": {"href": "http://testserver/api/v4/contacts/42"}},
        "_embedded": {"tags": [], "companies": []},
    }


def test_lists_are_walked_by_following_next(account: Account, api: Api) -> None:
    expected = [factories.contact(account).entity_id for _ in range(5)]

    seen: list[int] = []
    page: Any = {}
    href: str | None = f"{PATH}?limit=2"
    while href:
        page = api.get(href).json()  # type: ignore[attr-defined]
        seen += [contact["id"] for contact in page["_embedded"]["contacts"]]
        href = page["_links"].get("next", {}).get("href")

    assert seen == expected
    assert page["_page"] == 3
    assert page["_links"] == {
        "self": {"href": "http://testserver/api/v4/contacts?page=3&limit=2"}
    }


def test_an_empty_list_is_204_without_a_body(api: Api) -> None:
    response = api.get(PATH)

    assert (response.status_code, response.content) == (204, b"")


@pytest.mark.parametrize(
    ("letter", "visible"),
    [
        ("A", {"own", "group", "other"}),
        ("G", {"own", "group"}),
        ("M", {"own"}),
        ("D", set()),
    ],
)
def test_the_letter_decides_what_a_manager_sees(
    account: Account,
    caller: Callable[[User], Api],
    letter: str,
    visible: set[str],
) -> None:
    group = factories.group(account)
    rights = {"contacts_edit": "D", "contacts_view": letter}
    user = factories.user(account, group=group, **rights)
    factories.contact(account, name="own", responsible_user=user)
    factories.contact(account, name="group", group=group)
    factories.contact(account, name="other", group=factories.group(account))
    factories.contact(factories.account(), name="foreign")

    response: Any = caller(user).get(PATH)

    body = response.json() if response.content else {"_embedded": {"contacts": []}}
    assert {contact["name"] for contact in body["_embedded"]["contacts"]} == visible


def test_forbidden_looks_like_unknown(
    account: Account, manager: User, caller: Callable[[User], Api]
) -> None:
    hidden = factories.contact(account)
    api = caller(manager)

    answers: list[Any] = [api.get(f"{PATH}/{hidden.entity_id}"), api.get(f"{PATH}/9")]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json() == answers[1].json()


def test_created_contacts_answer_with_their_request_ids(
    account: Account, admin: User, api: Api
) -> None:
    group = factories.group(account)
    manager = factories.user(account, group=group)

    response: Any = api.post(
        PATH,
        [
            {"id": 500, "name": "Brought", "request_id": "r1"},
            {"first_name": "Ольга", "last_name": "Лис"},
            {"responsible_user_id": manager.id, "request_id": 9},
        ],
    )

    made = list(Contact.objects.order_by("id"))
    assert [c.name for c in made] == ["Brought", "Ольга Лис", ""]
    assert [c.responsible_user for c in made] == [admin, admin, manager]
    assert made[2].group == group
    assert response.json() == {
        "_links": {"self": {"href": "http://testserver/api/v4/contacts"}},
        "_embedded": {
            "contacts": [
                {
                    "id": contact.entity_id,
                    "is_deleted": False,
                    "is_unsorted": False,
                    "request_id": request_id,
                    "_links": {
                        "self": {"href": f"http://testserver{PATH}/{contact.entity_id}"}
                    },
                }
                for contact, request_id in zip(made, ["r1", "1", "9"], strict=True)
            ]
        },
    }


@pytest.mark.parametrize(
    ("item", "fault"),
    [
        ({"id": 500}, ("AlreadyExists", "id")),
        ({"id": "7"}, ("InvalidType", "id")),
        ({"name": "x" * 251}, ("TooLong", "name")),
        ({"name": "a\0b"}, ("InvalidType", "name")),
        (
            {"responsible_user_id": 10**15},
            ("NotSupportedChoice", "responsible_user_id"),
        ),
    ],
)
def test_a_faulty_contact_stores_none(
    account: Account, api: Api, item: dict[str, object], fault: tuple[str, str]
) -> None:
    factories.contact(account, entity_id=500)

    response: Any = api.post(PATH, [{"name": "good"}, item])

    [errors] = response.json()["validation-errors"]
    assert errors["request_id"] == "1"
    assert [(e["code"], e["path"]) for e in errors["errors"]] == [fault]
    assert Contact.objects.count() == 1


def test_the_same_id_twice_in_a_batch_is_refused(api: Api) -> None:
    response = api.post(PATH, [{"id": 5}, {"id": 5}])

    assert response.status_code == 400
    assert not Contact.objects.exists()


def test_a_free_id_is_found_past_those_the_crm_brought(
    account: Account, api: Api
) -> None:
    first: Any = api.post(PATH, [{"name": "a"}])
    free = first.json()["_embedded"]["contacts"][0]["id"] + 1
    factories.contact(account, entity_id=free)

    response: Any = api.post(PATH, [{"name": "b"}])

    assert response.status_code == 200
    assert response.json()["_embedded"]["contacts"][0]["id"] > free


def test_a_foreign_user_may_not_be_made_responsible(api: Api) -> None:
    stranger = factories.user(factories.account())

    response = api.post(PATH, [{"responsible_user_id": stranger.id}])

    assert response.status_code == 400


def test_adding_needs_the_right_to_add(
    account: Account, caller: Callable[[User], Api]
) -> None:
    user = factories.user(account, contacts_add="D")

    assert caller(user).post(PATH, [{"name": "a"}]).status_code == 403
