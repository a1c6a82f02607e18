from typing import Any

from shortlinks.models import Account, User
from tests.conftest import Api


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
