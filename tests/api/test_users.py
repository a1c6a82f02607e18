"""`/api/v4/users` in the format of docs/contract.md, for administrators."""

from collections.abc import Callable
from typing import Any

import pytest

from shortlinks.models import Account, Scope, User
from tests import factories
from tests.conftest import Api

PATH = "/api/v4/users"
DENIED = dict.fromkeys(("view", "edit", "add", "delete", "export"), "D")


def test_user_has_every_key_that_clients_read(account: Account, api: Api) -> None:
    sales = factories.group(account, name="Sales")
    user = factories.user(
        account,
        name="Olga",
        email="olga@shop.example",
        language="en",
        group=sales,
        contacts_view="G",
        contacts_edit="M",
        contacts_add="D",
    )

    response: Any = api.get(f"{PATH}/{user.id}")

    assert response.json() == {
        "id": user.id,
        "name": "Olga",
        "email": "olga@shop.example",
        "lang": "en",
        "rights": {
            "leads": DENIED,
            "contacts": {
                "view": "G",
                "edit": "M",
                "add": "D",
                "delete": "D",
                "export": "D",
            },
            "companies": DENIED,
            "tasks": {"edit": "D", "delete": "D"},
            "mail_access": False,
            "catalog_access": False,
            "status_rights": None,
            "catalog_rights": None,
            "is_admin": False,
            "is_free": False,
            "is_active": True,
            "group_id": sales.id,
            "role_id": None,
        },
        "_links": {"self": {"href": f"http://testserver{PATH}/{user.id}"}},
        "_embedded": {"roles": [], "groups": [{"id": sales.id, "name": "Sales"}]},
    }


def test_list_counts_only_users_of_the_account(
    account: Account, admin: User, api: Api
) -> None:
    others = [factories.user(account) for _ in range(4)]
    factories.user(factories.account())

    page: Any = api.get(f"{PATH}?limit=2&page=2")

    body = page.json()
    assert [user["id"] for user in body["_embedded"]["users"]] == [
        others[1].id,
        others[2].id,
    ]
    assert (body["_total_items"], body["_page_count"], body["_page"]) == (5, 3, 2)
    pages = {name: link["href"][-14:] for name, link in body["_links"].items()}
    assert pages == {
        "self": "page=2&limit=2",
        "next": "page=3&limit=2",
        "first": "page=1&limit=2",
        "prev": "page=1&limit=2",
    }


def test_administrator_has_all_permissions(admin: User, api: Api) -> None:
    response: Any = api.get(f"{PATH}/{admin.id}")

    rights = response.json()["rights"]
    assert set(rights["contacts"].values()) == {"A"}
    assert rights["is_admin"]


@pytest.mark.parametrize("path", [PATH, f"{PATH}/1"])
def test_users_are_forbidden_for_managers(
    manager: User, caller: Callable[[User], Api], path: str
) -> None:
    assert caller(manager).get(path).status_code == 403


def test_user_of_another_account_is_404(api: Api) -> None:
    stranger = factories.user(factories.account())

    assert api.get(f"{PATH}/{stranger.id}").status_code == 404


def test_users_are_forbidden_without_the_scope(admin: User) -> None:
    api = Api(factories.token(admin, scopes=[Scope.CONTACTS_READ]))

    response: Any = api.get(PATH)

    assert (response.status_code, response.json()["detail"]) == (403, "Invalid scope")
