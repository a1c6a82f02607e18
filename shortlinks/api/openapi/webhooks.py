"""Whom the account's events are told to."""

from shortlinks.api import webhooks
from shortlinks.api.openapi import lists
from shortlinks.api.openapi.operations import (
    ACCOUNT,
    NO_STORE,
    USER,
    WEBHOOK,
    Operation,
    SuccessResponse,
)
from shortlinks.api.openapi.schemas import (
    NO_NUL,
    array,
    boolean,
    choice,
    extended,
    id_,
    id_or_0,
    integer,
    named,
    nullable,
    object_,
    text,
    timestamp,
)
from shortlinks.models import Scope, WebhookEvent
from shortlinks.models.webhooks import MAX_DESTINATION_LENGTH

TAG = "Webhooks"
PATH = "/api/v4/webhooks"
DESTINATION = "https://crm.example.com/hook"
EVENTS = array(choice(WebhookEvent.values, WebhookEvent.NOTE_CONTACT), minItems=1)
SORT = id_(1, description="Lists begin with the lowest.")
WEBHOOK_SCHEMA = named(
    "Webhook",
    object_(
        {
            "id": id_(WEBHOOK),
            "destination": text(DESTINATION, format="iri"),
            "created_at": timestamp(),
            "updated_at": timestamp(),
            "account_id": id_(ACCOUNT),
            "created_by": id_or_0(USER),
            "sort": SORT,
            "disabled": boolean(example=False, description="It is told nothing."),
            "settings": EVENTS,
        }
    ),
)
SECRET = text(
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=",
    description="Signs what it is sent; this answer alone tells it, and only when the"
    " webhook is new.",
)
SUBSCRIBED = extended(WEBHOOK_SCHEMA, {"secret": SECRET}, optional=("secret",))
GIVEN = text(
    DESTINATION,
    format="iri",
    maxLength=MAX_DESTINATION_LENGTH,
    pattern=NO_NUL,
    description="`https` on port 443 or 8443, on a host with public addresses.",
)
FOR_ADMINISTRATORS = "For administrators."
OPERATIONS = (
    Operation(
        id="list_webhooks",
        tag=TAG,
        method="GET",
        path=PATH,
        scope=Scope.WEBHOOKS_ADMIN,
        summary="The account's webhooks, without their secrets",
        description=FOR_ADMINISTRATORS,
        parameters=lists.parameters(webhooks.QUERY),
        answer=lists.answer(
            "webhooks", WEBHOOK_SCHEMA, PATH, {"_total_items": integer(1, minimum=1)}
        ),
    ),
    Operation(
        id="subscribe",
        tag=TAG,
        method="POST",
        path=PATH,
        scope=Scope.WEBHOOKS_ADMIN,
        summary="Tell an address of events",
        description=f"{FOR_ADMINISTRATORS} The same destination again changes and"
        " enables its webhook, which keeps its secret.",
        body=object_(
            {"destination": GIVEN, "settings": EVENTS, "sort": nullable(SORT)},
            optional=("sort",),
        ),
        answer=SuccessResponse(
            "The webhook.", SUBSCRIBED, headers=NO_STORE, status=201
        ),
    ),
    Operation(
        id="unsubscribe",
        tag=TAG,
        method="DELETE",
        path=PATH,
        scope=Scope.WEBHOOKS_ADMIN,
        summary="Tell an address no more",
        description=f"{FOR_ADMINISTRATORS} What it was not told yet is dropped.",
        body=object_({"destination": GIVEN}),
        answer=SuccessResponse("It is told nothing more."),
        may_be_missing=True,
    ),
)
