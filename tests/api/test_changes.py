"""`PATCH` of contacts and `POST` of notes (docs/contract.md)."""

from collections.abc import Callable
from typing import Any

import pytest

from shortlinks.models import Account, Contact, Note, Scope, User
from tests import factories
from tests.conftest import Api

PATH = "/api/v4/contacts"


def names() -> list[tuple[int, str]]:
    return list(Contact.objects.order_by("entity_id").values_list("entity_id", "name"))


def test_contact_changes_in_the_given_fields_only(
    account: Account, admin: User, api: Api
) -> None:
    group = factories.group(account)
    olga = factories.user(account, group=group)
    contact = factories.contact(account, entity_id=7, name="Anna", first_name="Anna")

    response: Any = api.patch(
        f"{PATH}/7", {"name": "Anna K.", "responsible_user_id": olga.id, "id": 99}
    )

    contact.refresh_from_db()
    assert response.status_code == 200
    assert response.json() == {
        "id": 7,
        "name": "Anna K.",
        "updated_at": int(contact.updated_at.timestamp()),
        "is_deleted": False,
        "is_unsorted": False,
        "_links": {"self": {"href": f"http://testserver{PATH}/7"}},
    }
    assert (contact.name, contact.first_name) == ("Anna K.", "Anna")
    assert (contact.responsible_user, contact.group) == (olga, group)
    assert contact.updated_by == admin


def test_contacts_are_returned_in_the_order_of_the_list(
    account: Account, api: Api
) -> None:
    for n in (1, 2):
        factories.contact(account, entity_id=n, name="x")

    response: Any = api.patch(
        PATH, [{"id": 2, "name": "B", "request_id": "two"}, {"id": 1, "name": "A"}]
    )

    changed = response.json()["_embedded"]["contacts"]
    assert [(c["id"], c["name"], c["request_id"]) for c in changed] == [
        (2, "B", "two"),
        (1, "A", "1"),
    ]
    assert names() == [(1, "A"), (2, "B")]


@pytest.mark.parametrize(
    ("invalid", "path", "code"),
    [
        ({"id": 99, "name": "B"}, "id", "NotSupportedChoice"),
        ({"name": "B"}, "id", "FieldMissing"),
        ({"id": "2"}, "id", "InvalidType"),
        ({"id": 2, "name": 5}, "name", "InvalidType"),
        ({"id": 2, "name": "B" * 251}, "name", "TooLong"),
        ({"id": 2, "responsible_user_id": 10**9}, "responsible_user_id",
         "NotSupportedChoice"),
    ],
)  # fmt: skip
def test_contacts_stay_unchanged_if_one_item_is_invalid(
    account: Account, api: Api, invalid: dict[str, object], path: str, code: str
) -> None:
    for n in (1, 2):
        factories.contact(account, entity_id=n, name="x")

    response: Any = api.patch(PATH, [{"id": 1, "name": "A"}, invalid])

    assert response.status_code == 400
    [failed] = response.json()["validation-errors"]
    assert failed["request_id"] == "1"
    assert [(e["path"], e["code"]) for e in failed["errors"]] == [(path, code)]
    assert names() == [(1, "x"), (2, "x")]


def test_contact_is_not_found_without_permission_to_view(
    account: Account, manager: User, caller: Callable[[User], Api]
) -> None:
    factories.contact(account, entity_id=1, name="x")
    factories.contact(factories.account(), entity_id=2, name="x")
    api = caller(manager)

    statuses = [
        api.patch(f"{PATH}/1", {"name": "A"}).status_code,
        api.patch(f"{PATH}/2", {"name": "A"}).status_code,
        api.patch(PATH, [{"id": 1, "name": "A"}]).status_code,
    ]

    assert statuses == [404, 404, 400]
    assert names() == [(1, "x"), (2, "x")]


def test_contact_change_is_forbidden_without_permission_to_edit(
    account: Account, caller: Callable[[User], Api]
) -> None:
    reader = factories.user(account, contacts_view="A", contacts_edit="M")
    factories.contact(account, entity_id=1, name="x")
    factories.contact(account, entity_id=2, name="x", responsible_user=reader)

    api = caller(reader)

    assert api.patch(f"{PATH}/1", {"name": "A"}).status_code == 403
    assert api.patch(PATH, [{"id": 2, "name": "A"}, {"id": 1}]).status_code == 403
    assert api.patch(f"{PATH}/2", {"name": "A"}).status_code == 200
    assert names() == [(1, "x"), (2, "A")]


def note(entity_id: int | None, text: object = "called") -> dict[str, object]:
    named = {} if entity_id is None else {"entity_id": entity_id}
    return {"note_type": "common", "params": {"text": text}, **named}


@pytest.mark.parametrize(
    ("path", "entity_id"), [(f"{PATH}/notes", 7), (f"{PATH}/7/notes", None)]
)
def test_notes_are_created(
    account: Account, admin: User, api: Api, path: str, entity_id: int | None
) -> None:
    factories.contact(account, entity_id=7)

    response: Any = api.post(path, [note(entity_id) | {"request_id": 5}])

    stored = Note.objects.get()
    href = f"http://testserver{PATH}/7/notes/{stored.id}"
    assert response.json() == {
        "_links": {"self": {"href": f"http://testserver{path}"}},
        "_embedded": {
            "notes": [
                {
                    "id": stored.id,
                    "entity_id": 7,
                    "request_id": "5",
                    "_links": {"self": {"href": href}},
                }
            ]
        },
    }
    read: Any = api.get(f"{PATH}/7/notes/{stored.id}")
    assert read.json()["params"] == {"text": "called"}
    assert read.json()["created_by"] == admin.id


@pytest.mark.parametrize(
    ("invalid", "path"),
    [
        (note(99), "entity_id"),
        (note(None), "entity_id"),
        (note(7, text=5), "params.text"),
        (note(7) | {"params": {}}, "params.text"),
        (note(7) | {"note_type": "link_followed"}, "note_type"),
    ],
    ids=["unknown", "no contact", "no text", "empty", "service note"],
)
def test_no_note_is_created_if_one_is_invalid(
    account: Account, api: Api, invalid: dict[str, object], path: str
) -> None:
    factories.contact(account, entity_id=7)

    response: Any = api.post(f"{PATH}/notes", [note(7), invalid])

    assert response.status_code == 400
    [failed] = response.json()["validation-errors"]
    assert [error["path"] for error in failed["errors"]] == [path]
    assert not Note.objects.exists()


def test_notes_on_contacts_of_other_accounts_are_404(api: Api) -> None:
    factories.contact(factories.account(), entity_id=7)

    assert api.post(f"{PATH}/7/notes", [note(None)]).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [("PATCH", PATH), ("PATCH", f"{PATH}/7"), ("POST", f"{PATH}/notes")],
)
def test_change_is_forbidden_without_the_scope(
    admin: User, method: str, path: str
) -> None:
    api = Api(factories.token(admin, scopes=[Scope.CONTACTS_READ]))

    response: Any = api.send(method, path, data=b"[]")

    assert (response.status_code, response.json()["detail"]) == (403, "Invalid scope")
