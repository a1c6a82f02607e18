"""`/api/v4/webhooks`: URLs that receive the account's events (docs/contract.md)."""

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar, TypeVar

from django.http import Http404
from django.utils import translation
from msgspec import UNSET, structs
from rest_framework.request import Request

from shortlinks.api import hal, parsing
from shortlinks.api.filters import Filter, ListQuery
from shortlinks.api.hal import Response
from shortlinks.api.parsing import FieldReader
from shortlinks.api.problems import Problem, ValidationFailed
from shortlinks.api.resources import webhooks as resources
from shortlinks.api.resources.errors import FieldError, ItemErrors
from shortlinks.api.views import ApiView
from shortlinks.domain import quotas
from shortlinks.domain.links.urls import UrlRejected
from shortlinks.domain.quotas import Quota
from shortlinks.domain.webhooks import destinations, failures, subscriptions
from shortlinks.domain.webhooks.subscriptions import Subscription, TooManyWebhooks
from shortlinks.models import Scope, Webhook, WebhookEvent

T = TypeVar("T")

QUERY = ListQuery(
    filters={"destination": Filter("destination", "texts")},
    orders={"id": "id"},
    default=("sort", "id"),
)
TOO_MANY = "The account has {} webhooks already. Delete one."
FOR_ADMINISTRATORS = (
    "Only administrators may use webhooks. Use an administrator's token."
)


class Webhooks(ApiView):
    http_method_names = ["get", "head", "post", "delete"]
    scopes: ClassVar[dict[str, Scope]] = {
        "GET": Scope.WEBHOOKS_ADMIN,
        "POST": Scope.WEBHOOKS_ADMIN,
        "DELETE": Scope.WEBHOOKS_ADMIN,
    }

    def check_gates(self, request: Request) -> None:
        super().check_gates(request)
        if not self.caller.user.is_admin:
            raise Problem(403, FOR_ADMINISTRATORS)

    def get(self, request: Request) -> Response:
        webhooks = Webhook.objects.filter(account=self.caller.token.account)
        rows = QUERY.apply(request, webhooks)
        with translation.override(self.caller.user.language):
            return hal.paginated(
                hal.read_page(request),
                "webhooks",
                rows,
                represent,
                totals=lambda _: {"_total_items": rows.count()},
            )

    def post(self, request: Request) -> Response:
        requested = _read(request, _subscription)
        account, user = self.caller.token.account, self.caller.user
        try:
            subscribed = subscriptions.subscribe(account, user, requested)
        except TooManyWebhooks:
            raise _too_many() from None
        with translation.override(user.language):
            shown = represent(subscribed.webhook)
        subscription = resources.Subscription(
            **structs.asdict(shown),
            secret=UNSET if subscribed.secret is None else subscribed.secret,
        )
        headers = {"Cache-Control": "no-store"}
        return Response(subscription, status=201, headers=headers)

    def delete(self, request: Request) -> Response:
        destination = _read(request, _destination)
        if not subscriptions.unsubscribe(self.caller.token.account_id, destination):
            raise Http404
        return Response(status=204)


def _too_many() -> ValidationFailed:
    detail = TOO_MANY.format(quotas.limit(Quota.WEBHOOKS))
    error = FieldError("TooMany", "destination", detail)
    return ValidationFailed([ItemErrors("0", [error])])


def represent(webhook: Webhook) -> resources.Webhook:
    return resources.Webhook(
        id=webhook.id,
        destination=webhook.destination,
        created_at=int(webhook.created_at.timestamp()),
        updated_at=int(webhook.updated_at.timestamp()),
        account_id=webhook.account_id,
        created_by=webhook.created_by_id or 0,
        sort=webhook.sort,
        disabled=webhook.disabled_at is not None,
        paused=webhook.paused_at is not None,
        failing_since=_timestamp(webhook.failing_since),
        last_error=failures.explain(webhook.last_error),
        settings=webhook.settings,
    )


def _timestamp(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())


def _read(request: Request, read: Callable[[FieldReader], T]) -> T:
    """Read one object. Webhooks have no batches."""
    [(_, result)] = parsing.read_items(parsing.read_object(request), read)
    return result


def _subscription(item: FieldReader) -> Subscription:
    destination = item.text("destination", required=True)
    if not item.errors:
        try:
            destination = destinations.parse(destination)
        except UrlRejected as rejected:
            item.add_error(rejected.code, "destination", rejected.detail)
    settings = item.choices("settings", WebhookEvent.values)
    return Subscription(destination, settings, item.id("sort"))


def _destination(item: FieldReader) -> str:
    """Return the URL of a webhook to delete, also if it is not allowed any more."""
    given = item.text("destination", required=True)
    try:
        return destinations.parse(given)
    except UrlRejected:
        return given
