"""Webhooks: the URLs that receive the account's events."""

from shortlinks.api import webhooks
from shortlinks.api.openapi import lists
from shortlinks.api.openapi.operations import NO_STORE, Operation, SuccessResponse
from shortlinks.api.openapi.schemas import (
    array,
    body,
    choice,
    id_,
    integer,
    reference,
    text,
)
from shortlinks.api.resources.fields import NO_NUL
from shortlinks.api.resources.webhooks import DESTINATION, Subscription, Webhook
from shortlinks.models import Scope, WebhookEvent
from shortlinks.models.webhooks import MAX_DESTINATION_LENGTH

TAG = "Webhooks"
PATH = "/api/v4/webhooks"
NEW_DESTINATION = text(
    DESTINATION,
    format="iri",
    maxLength=MAX_DESTINATION_LENGTH,
    pattern=NO_NUL,
    description="`https` on port 443 or 8443, on a host with public addresses.",
)
EVENTS = array(choice(WebhookEvent.values, WebhookEvent.NOTE_CONTACT), minItems=1)
FOR_ADMINISTRATORS = "Only for administrators."
OPERATIONS = (
    Operation(
        id="list_webhooks",
        route=f"GET {PATH}",
        scope=Scope.WEBHOOKS_ADMIN,
        summary="List the account's webhooks, without their secrets",
        description=FOR_ADMINISTRATORS,
        parameters=lists.parameters(webhooks.QUERY),
        response=lists.response(
            "webhooks", Webhook, PATH, {"_total_items": integer(1, minimum=1)}
        ),
    ),
    Operation(
        id="subscribe",
        route=f"POST {PATH}",
        scope=Scope.WEBHOOKS_ADMIN,
        summary="Subscribe a URL to events",
        description=f"{FOR_ADMINISTRATORS} If the URL is already subscribed, its"
        " webhook is changed and enabled, and keeps its secret.",
        body=body(
            {
                "destination": NEW_DESTINATION,
                "settings": EVENTS,
                "sort": id_(1, description="Lists start with the lowest."),
            },
            optional=("sort",),
        ),
        response=SuccessResponse(
            "The webhook.", reference(Subscription), headers=NO_STORE, status=201
        ),
    ),
    Operation(
        id="unsubscribe",
        route=f"DELETE {PATH}",
        scope=Scope.WEBHOOKS_ADMIN,
        summary="Unsubscribe a URL from all events",
        description=f"{FOR_ADMINISTRATORS} Events that are not delivered yet are"
        " discarded.",
        body=body({"destination": NEW_DESTINATION}),
        response=SuccessResponse("The webhook is deleted."),
        may_return_404=True,
    ),
)
