"""Webhooks, tokens and health."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from shortlinks.api.resources.field_types import (
    WEBHOOK,
    AccountId,
    ExampleTrue,
    Timestamp,
    UserIdOr0,
    choice,
    example,
    id_,
)
from shortlinks.models import WebhookEvent

DESTINATION = "https://crm.example.com/hook"


class Webhook(Struct, kw_only=True):
    id: Annotated[int, id_(WEBHOOK)]
    destination: Annotated[str, example(DESTINATION, format="iri")]
    created_at: Timestamp
    updated_at: Timestamp
    account_id: AccountId
    created_by: UserIdOr0
    sort: Annotated[int, id_(1, "Lists start with the lowest.")]
    disabled: Annotated[
        bool, example(value=False, description="A disabled webhook receives no events.")
    ]
    settings: Annotated[
        list[Annotated[str, choice(WebhookEvent.values, WebhookEvent.NOTE_CONTACT)]],
        Meta(min_length=1),
    ]


class Subscription(Webhook, kw_only=True):
    secret: (
        Annotated[
            str,
            example(
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=",
                "The key of the signatures. It is returned only in this response, and"
                " only when the webhook is new.",
            ),
        ]
        | UnsetType
    ) = UNSET


class TokenPair(Struct, kw_only=True):
    token_type: Literal["Bearer"]
    expires_in: Annotated[int, example(86400, minimum=1)]
    access_token: Annotated[str, example("eyJ0eXAiOiJKV1QiLCJhbGciOi…", "A JWT.")]
    refresh_token: Annotated[str, example("…")]


class Check(Struct):
    ok: ExampleTrue
    detail: Annotated[str, example("")]


class Readiness(Struct):
    status: Annotated[str, choice(["ready", "degraded", "unready"], "ready")]
    checks: Annotated[
        dict[str, Check], example({"postgres": {"ok": True, "detail": ""}})
    ]
