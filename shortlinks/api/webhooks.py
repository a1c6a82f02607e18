"""`/api/v4/webhooks`: whom the account's events are told to (contract §4)."""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from django.http import Http404
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from shortlinks.api import hal, parsing
from shortlinks.api.filters import Filter, ListQuery
from shortlinks.api.parsing import FieldReader
from shortlinks.api.problems import FieldError, ItemErrors, ValidationFailed
from shortlinks.api.views import ApiView
from shortlinks.domain.links.urls import UrlRejected
from shortlinks.domain.webhooks import destinations, subscriptions
from shortlinks.domain.webhooks.subscriptions import Subscription, TooManyWebhooks
from shortlinks.models import Scope, Webhook, WebhookEvent

T = TypeVar("T")

QUERY = ListQuery(
    filters={"destination": Filter("destination", "texts")},
    orders={"id": "id"},
    default=("sort", "id"),
)
TOO_MANY = FieldError(
    "TooMany",
    "destination",
    f"An account has {subscriptions.MAX_PER_ACCOUNT} webhooks at most.",
)


class Webhooks(ApiView):
    http_method_names = ["get", "head", "post", "delete"]
    scopes: ClassVar[dict[str, Scope]] = {
        "GET": Scope.WEBHOOKS_ADMIN,
        "POST": Scope.WEBHOOKS_ADMIN,
        "DELETE": Scope.WEBHOOKS_ADMIN,
    }

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if not self.caller.user.is_admin:
            raise PermissionDenied("Webhooks are for administrators.")

    def get(self, request: Request) -> Response:
        webhooks = Webhook.objects.filter(account=self.caller.token.account)
        rows = QUERY.apply(request, webhooks)
        response = hal.paginated(request, "webhooks", rows, represent)
        if response.data is not None:
            response.data = {"_total_items": rows.count(), **response.data}
        return response

    def post(self, request: Request) -> Response:
        wanted = _read(request, _subscription)
        account, user = self.caller.token.account, self.caller.user
        try:
            subscribed = subscriptions.subscribe(account, user, wanted)
        except TooManyWebhooks:
            raise ValidationFailed([ItemErrors("0", [TOO_MANY])]) from None
        answer = represent(subscribed.webhook)
        if subscribed.secret is not None:
            answer["secret"] = subscribed.secret
        return Response(answer, status=201, headers={"Cache-Control": "no-store"})

    def delete(self, request: Request) -> Response:
        destination = _read(request, _destination)
        if not subscriptions.unsubscribe(self.caller.token.account_id, destination):
            raise Http404
        return Response(status=204)


def represent(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "destination": webhook.destination,
        "created_at": int(webhook.created_at.timestamp()),
        "updated_at": int(webhook.updated_at.timestamp()),
        "account_id": webhook.account_id,
        "created_by": webhook.created_by_id or 0,
        "sort": webhook.sort,
        "disabled": webhook.disabled_at is not None,
        "settings": webhook.settings,
    }


def _read(request: Request, read: Callable[[FieldReader], T]) -> T:
    """What one object says: there is no batch of webhooks."""
    [(_, found)] = parsing.read_items(parsing.read_object(request), read)
    return found


def _subscription(item: FieldReader) -> Subscription:
    destination = _destination(item)
    if not item.errors:
        try:
            destinations.parse(destination)
        except UrlRejected as rejected:
            item.add_error(rejected.code, "destination", rejected.detail)
    settings = item.choices("settings", WebhookEvent.values)
    return Subscription(destination, settings, item.id("sort"))


def _destination(item: FieldReader) -> str:
    return item.text("destination", required=True)
