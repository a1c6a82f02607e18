from typing import Any

import pytest

from shortlinks.api.gates import CONTEXT_USER
from shortlinks.models import Account, Scope, User
from shortlinks.models.tokens import USER_SCOPES
from tests import factories
from tests.conftest import Api

EXTRAS = "version,users_groups,task_types,entity_names,datetime_settings"


def test_account_has_every_key_that_clients_read(
    account: Account, admin: User, api: Api
) -> None:
    response: Any = api.get("/api/v4/account")

    assert response.json() == {
        "id": account.id,
        "name": account.name,
        "subdomain": account.subdomain,
        "created_at": int(account.created_at.timestamp()),
        "created_by": 0,
        "updated_at": int(account.updated_at.timestamp()),
        "updated_by": 0,
        "current_user_id": admin.id,
        "country": "RU",
        "currency": "RUB",
        "currency_symbol": "₽",
        "customers_mode": "unavailable",
        "is_unsorted_on": False,
        "mobile_feature_version": 0,
        "is_loss_reason_enabled": False,
        "is_helpbot_enabled": False,
        "is_technical_account": False,
        "contact_name_display_order": 1,
        "_links": {"self": {"href": "http://testserver/api/v4/account"}},
    }


def test_account_has_what_with_lists(account: Account, api: Api) -> None:
    account.time_zone = "Asia/Kolkata"
    account.save()
    sales, service = (factories.group(account, name=n) for n in ("Sales", "Service"))
    factories.group(factories.account())

    plain: Any = api.get("/api/v4/account")
    response: Any = api.get(f"/api/v4/account?with={EXTRAS}")

    assert response.json() == {
        **plain.json(),
        "version": 4,
        "_embedded": {
            "users_groups": [
                {"id": sales.id, "name": "Sales", "uuid": None},
                {"id": service.id, "name": "Service", "uuid": None},
            ],
            "task_types": [],
            "datetime_settings": {
                "date_pattern": "d.m.Y H:i",
                "short_date_pattern": "d.m.Y",
                "short_time_pattern": "H:i",
                "date_format": "d.m.Y",
                "time_format": "H:i:s",
                "timezone": "Asia/Kolkata",
                "timezone_offset": "+05:30",
            },
        },
    }


@pytest.mark.parametrize(
    ("extras", "keys"),
    [
        ("version", set()),
        ("task_types", {"task_types"}),
        (" users_groups , task_types", {"users_groups", "task_types"}),
        ("amojo_id,entity_names,nonsense,", set()),
    ],
)
def test_account_has_only_what_with_lists(
    api: Api, extras: str, keys: set[str]
) -> None:
    response: Any = api.get(f"/api/v4/account?with={extras}")

    account = response.json()
    assert account.get("_embedded", {}).keys() == keys
    assert ("version" in account) is ("version" in extras)


def test_account_shows_groups_only_to_those_who_may_list_users(
    account: Account, admin: User
) -> None:
    group = factories.group(account)
    manager = factories.user(account, group=group)
    without_scope = set(USER_SCOPES) - {Scope.USERS_READ}
    tokens = {
        "administrator": factories.token(admin),
        "manager": factories.token(manager),
        "no scope": factories.token(admin, scopes=sorted(without_scope)),
    }

    shown = {name: shown_groups(Api(token)) for name, token in tokens.items()}
    acting = shown_groups(
        Api(tokens["administrator"]), **{CONTEXT_USER: str(manager.id)}
    )

    assert shown == {"administrator": [group.id], "manager": [], "no scope": []}
    assert acting == []


def shown_groups(api: Api, **headers: str) -> list[int]:
    response: Any = api.get("/api/v4/account?with=users_groups", **headers)
    return [group["id"] for group in response.json()["_embedded"]["users_groups"]]
