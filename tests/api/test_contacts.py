"""`/api/v4/contacts` in the format of docs/contract.md."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from shortlinks.models import Account, Contact, User
from tests import factories
from tests.conftest import Api

PATH = "/api/v4/contacts"


def test_contact_has_every_key_that_clients_read(
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


@pytest.mark.parametrize("extras", ["only_deleted", "leads,only_deleted"])
def test_list_of_deleted_contacts_is_empty(
    account: Account, api: Api, extras: str
) -> None:
    factories.contact(account, entity_id=42)
    factories.contact(account, entity_id=43, is_deleted=True)

    assert api.get(f"{PATH}?with={extras}").status_code == 204
    assert api.get(f"{PATH}/42?with={extras}").status_code == 200


@pytest.mark.parametrize(
    ("extras", "keys"),
    [
        ("leads", {"leads"}),
        ("catalog_elements, customers", {"catalog_elements", "customers"}),
        (
            "leads,customers,catalog_elements",
            {"leads", "customers", "catalog_elements"},
        ),
        ("tags,nonsense,", set()),
        ("customers&with=leads", {"leads"}),
    ],
)
def test_contact_has_empty_lists_for_what_with_lists(
    account: Account, api: Api, extras: str, keys: set[str]
) -> None:
    factories.contact(account, entity_id=42)
    expected: Any = {"tags": [], "companies": [], **{key: [] for key in keys}}

    single: Any = api.get(f"{PATH}/42?with={extras}")
    listed: Any = api.get(f"{PATH}?with={extras}")

    [contact] = listed.json()["_embedded"]["contacts"]
    assert single.json()["_embedded"] == expected
    assert contact["_embedded"] == expected


def test_list_is_complete_when_following_next(account: Account, api: Api) -> None:
    expected = [factories.contact(account).entity_id for _ in range(5)]

    ids: list[int] = []
    page: Any = {}
    href: str | None = f"{PATH}?limit=2"
    while href:
        page = api.get(href).json()  # type: ignore[attr-defined]
        ids += [contact["id"] for contact in page["_embedded"]["contacts"]]
        href = page["_links"].get("next", {}).get("href")

    assert ids == expected
    assert page["_page"] == 3
    assert page["_links"] == {
        name: {"href": f"http://testserver/api/v4/contacts?page={number}&limit=2"}
        for name, number in (("self", 3), ("first", 1), ("prev", 2))
    }


DROPPED = {
    "custom_fields_values": [
        {"field_code": "PHONE", "values": [{"value": "+7999", "enum_code": "WORK"}]}
    ],
    "_embedded": {"tags": [{"name": "vip"}]},
    "tags_to_add": [{"name": "vip"}],
    "created_by": 7,
    "created_at": 1,
    "updated_by": 7,
    "updated_at": 1,
}


def test_tags_and_custom_fields_are_accepted_but_not_stored(
    account: Account, admin: User, api: Api
) -> None:
    created = api.post(PATH, [{"id": 42, "name": "Anna", **DROPPED}])
    listed = api.patch(PATH, [{"id": 42, **DROPPED}])
    single = api.patch(f"{PATH}/42", DROPPED)

    response: Any = api.get(f"{PATH}/42")
    contact = response.json()
    assert [each.status_code for each in (created, listed, single)] == [200, 200, 200]
    assert contact["name"] == "Anna"
    assert contact["custom_fields_values"] is None
    assert contact["_embedded"] == {"tags": [], "companies": []}
    assert contact["created_by"] == contact["updated_by"] == admin.id
    assert min(contact["created_at"], contact["updated_at"]) > 1


def test_empty_list_is_204_without_a_body(api: Api) -> None:
    response = api.get(PATH)

    assert (response.status_code, response.content) == (204, b"")


@pytest.mark.parametrize(
    ("level", "visible"),
    [
        ("A", {"own", "group", "other"}),
        ("G", {"own", "group"}),
        ("M", {"own"}),
        ("D", set()),
    ],
)
def test_access_level_limits_the_visible_contacts(
    account: Account,
    caller: Callable[[User], Api],
    level: str,
    visible: set[str],
) -> None:
    group = factories.group(account)
    rights = {"contacts_edit": "D", "contacts_view": level}
    user = factories.user(account, group=group, **rights)
    factories.contact(account, name="own", responsible_user=user)
    factories.contact(account, name="group", group=group)
    factories.contact(account, name="other", group=factories.group(account))
    factories.contact(factories.account(), name="foreign")

    response: Any = caller(user).get(PATH)

    body = response.json() if response.content else {"_embedded": {"contacts": []}}
    assert {contact["name"] for contact in body["_embedded"]["contacts"]} == visible


def test_forbidden_contact_looks_like_an_unknown_one(
    account: Account, manager: User, caller: Callable[[User], Api]
) -> None:
    hidden = factories.contact(account)
    api = caller(manager)

    answers: list[Any] = [api.get(f"{PATH}/{hidden.entity_id}"), api.get(f"{PATH}/9")]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json() == answers[1].json()


def test_created_contacts_have_their_request_ids(
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

    ids = [created["id"] for created in response.json()["_embedded"]["contacts"]]
    created = [Contact.objects.get(entity_id=id_) for id_ in ids]
    assert [c.name for c in created] == ["Brought", "Ольга Лис", ""]
    assert [c.responsible_user for c in created] == [admin, admin, manager]
    assert created[2].group == group
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
                for contact, request_id in zip(created, ["r1", "1", "9"], strict=True)
            ]
        },
    }


@pytest.mark.parametrize(
    ("item", "expected"),
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
def test_no_contact_is_created_if_one_is_invalid(
    account: Account, api: Api, item: dict[str, object], expected: tuple[str, str]
) -> None:
    factories.contact(account, entity_id=500)

    response: Any = api.post(PATH, [{"name": "good"}, item])

    [errors] = response.json()["validation-errors"]
    assert errors["request_id"] == "1"
    assert [(e["code"], e["path"]) for e in errors["errors"]] == [expected]
    assert Contact.objects.count() == 1


def test_same_id_twice_in_a_batch_is_rejected(api: Api) -> None:
    response = api.post(PATH, [{"id": 5}, {"id": 5}])

    assert response.status_code == 400
    assert not Contact.objects.exists()


def test_free_id_is_above_the_ids_from_the_crm(account: Account, api: Api) -> None:
    first: Any = api.post(PATH, [{"name": "a"}])
    free = first.json()["_embedded"]["contacts"][0]["id"] + 1
    factories.contact(account, entity_id=free)

    response: Any = api.post(PATH, [{"name": "b"}])

    assert response.status_code == 200
    assert response.json()["_embedded"]["contacts"][0]["id"] > free


def test_free_ids_and_ids_of_the_crm_are_created_together(api: Api) -> None:
    response: Any = api.post(PATH, [{"name": "b"}, {"id": 252}, {"name": "c"}])

    first, own, last = (row["id"] for row in response.json()["_embedded"]["contacts"])
    assert (own, first < last < 2**53) == (252, True)


def test_free_id_is_not_given_again_after_its_contact_is_lost(
    account: Account, api: Api
) -> None:
    first: Any = api.post(PATH, [{"name": "a"}])
    Contact.objects.all().delete()

    second: Any = api.post(PATH, [{"name": "b"}])

    ids = [
        answer.json()["_embedded"]["contacts"][0]["id"] for answer in (first, second)
    ]
    assert ids[0] < ids[1]


def test_free_id_is_another_if_a_client_has_sent_the_next_ones(
    account: Account, api: Api
) -> None:
    """Make the ids predictable, until the end of the test."""
    with connection.cursor() as cursor:
        cursor.execute(
            "RESET ROLE;"
            "CREATE OR REPLACE FUNCTION shortlinks_new_id() RETURNS bigint LANGUAGE sql"
            " AS $$ SELECT nextval('shortlinks_id_sequence') $$"
        )
        cursor.execute("SELECT shortlinks_new_id()")
        [last] = cursor.fetchone()
    sent = range(last + 1, last + 200)
    Contact.objects.bulk_create(
        Contact(id=-id_, account=account, entity_id=id_, name="sent") for id_ in sent
    )

    response: Any = api.post(PATH, [{"name": str(n)} for n in range(60)])

    assert response.status_code == 200
    created = [row["id"] for row in response.json()["_embedded"]["contacts"]]
    assert len(set(created) - set(sent)) == 60


@pytest.mark.parametrize("edge", [2**52 - 1, 2**52, 2**53, 2**63 - 1])
def test_largest_ids_from_the_crm_do_not_block_free_ids(api: Api, edge: int) -> None:
    assert api.post(PATH, [{"id": edge}]).status_code == 200

    response: Any = api.post(PATH, [{"name": str(n)} for n in range(250)])

    assert response.status_code == 200
    created = {row["id"] for row in response.json()["_embedded"]["contacts"]}
    assert len(created - {edge}) == 250


def test_concurrent_creations_without_ids_all_succeed(transactional_db: None) -> None:
    token = factories.token(factories.admin(factories.account()))
    body = [{"name": str(number)} for number in range(50)]

    def post(_: int) -> int:
        try:
            return Api(token).post(PATH, body).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(post, range(24)))

    assert set(statuses) == {200}
    assert Contact.objects.values("entity_id").distinct().count() == 24 * 50


def test_name_from_long_first_and_last_names_is_truncated(api: Api) -> None:
    response = api.post(PATH, [{"first_name": "a" * 250, "last_name": "b" * 250}])

    assert response.status_code == 200
    assert Contact.objects.get().name == "a" * 250


def test_null_counts_as_a_missing_field(api: Api) -> None:
    response: Any = api.post(PATH, [{"id": None, "name": None, "request_id": None}])

    [created] = response.json()["_embedded"]["contacts"]
    assert created["request_id"] == "0"


def test_concurrent_creations_with_the_same_ids_store_one_batch(
    transactional_db: None,
) -> None:
    account = factories.account()
    token = factories.token(factories.admin(account))
    body = [{"id": id_} for id_ in range(1, 101)]

    def post(number: int) -> int:
        response = Api(token).post(PATH, body[:: -1 if number % 2 else 1])
        connection.close()
        return response.status_code

    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(post, range(8)))

    assert sorted(statuses) == [200] + [400] * 7
    assert Contact.objects.count() == 100


def test_user_of_another_account_is_rejected_as_responsible(api: Api) -> None:
    stranger = factories.user(factories.account())

    response = api.post(PATH, [{"responsible_user_id": stranger.id}])

    assert response.status_code == 400


def test_creation_is_forbidden_without_permission_to_add(
    account: Account, caller: Callable[[User], Api]
) -> None:
    user = factories.user(account, contacts_add="D")

    assert caller(user).post(PATH, [{"name": "a"}]).status_code == 403
