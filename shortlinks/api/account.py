"""`GET /api/v4/account`: clients rely on the presence of each key."""

from collections.abc import Callable
from typing import Any, Literal

from django.utils import timezone
from msgspec import UNSET, UnsetType
from rest_framework.request import Request

from shortlinks.api import hal, users
from shortlinks.api.hal import Response
from shortlinks.api.resources.accounts import (
    Account,
    AccountEmbedded,
    DatetimeSettings,
    UsersGroup,
)
from shortlinks.api.views import ApiView
from shortlinks.domain import time_zones
from shortlinks.domain.auth.tokens import Caller
from shortlinks.models import Group

SYMBOLS = {"RUB": "₽", "KZT": "₸", "UAH": "₴", "BYN": "Br", "USD": "$", "EUR": "€"}


class AccountView(ApiView):
    def get(self, request: Request) -> Response:
        account = self.caller.token.account
        return Response(
            Account(
                id=account.id,
                name=account.name,
                subdomain=account.subdomain,
                created_at=int(account.created_at.timestamp()),
                created_by=0,
                updated_at=int(account.updated_at.timestamp()),
                updated_by=0,
                current_user_id=self.caller.user.id,
                country=account.country,
                currency=account.currency,
                currency_symbol=SYMBOLS.get(account.currency, account.currency),
                customers_mode="unavailable",
                is_unsorted_on=False,
                mobile_feature_version=0,
                is_loss_reason_enabled=False,
                is_helpbot_enabled=False,
                is_technical_account=False,
                contact_name_display_order=1,
                version=_version(request),
                links=hal.self_links(request, "/api/v4/account"),
                embedded=_embedded(request, self.caller),
            )
        )


def _version(request: Request) -> Literal[4] | UnsetType:
    return 4 if hal.read_with(request, ["version"]) else UNSET


def _embedded(request: Request, caller: Caller) -> AccountEmbedded | UnsetType:
    requested = hal.read_with(request, EMBEDDED)
    parts: dict[str, Any] = {name: EMBEDDED[name](caller) for name in requested}
    return AccountEmbedded(**parts) if parts else UNSET


def _users_groups(caller: Caller) -> list[UsersGroup]:
    if not users.may_list(caller):
        return []
    groups = Group.objects.filter(account=caller.token.account).order_by("id")
    return [UsersGroup(id=group.id, name=group.name) for group in groups]


def _task_types(caller: Caller) -> list[Any]:
    """Return an empty list: this service has no tasks."""
    return []


def _datetime_settings(caller: Caller) -> DatetimeSettings:
    zone = time_zones.get(caller.token.account.time_zone)
    now = timezone.now().astimezone(zone).isoformat()
    return DatetimeSettings(timezone=zone.key, timezone_offset=now[-len("+03:00") :])


# The values of `with`, and the parts of `_embedded` that they add.
EMBEDDED: dict[str, Callable[[Caller], Any]] = {
    "users_groups": _users_groups,
    "task_types": _task_types,
    "datetime_settings": _datetime_settings,
}
