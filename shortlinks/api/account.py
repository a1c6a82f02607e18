"""`GET /api/v4/account`: clients read each of these keys without a check."""

from rest_framework.request import Request

from shortlinks.api import hal
from shortlinks.api.hal import Response
from shortlinks.api.resources.accounts import Account
from shortlinks.api.views import ApiView

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
                links=hal.self_links(request, "/api/v4/account"),
            )
        )
