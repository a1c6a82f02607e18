"""Webhooks, tokens and health."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from shortlinks.api.resources import fields
from shortlinks.models import WebhookEvent

DESTINATION = "https://crm.example.com/hook"


class Webhook(Struct, kw_only=True):
    id: Annotated[int, fields.id_(fields.WEBHOOK)]
    destination: Annotated[str, fields.example(DESTINATION)]
    created_at: fields.Timestamp
    updated_at: fields.Timestamp
    account_id: fields.AccountId
    created_by: fields.UserIdOr0
    sort: Annotated[int, fields.id_(1, "Lists start with the lowest.")]
    disabled: Annotated[
        bool,
        fields.example(
            value=False,
            description="It failed too long and gets no events until it is enabled.",
        ),
    ]
    paused: Annotated[
        bool,
        fields.example(
            value=False, description="An administrator paused it. Its events wait."
        ),
    ]
    failing_since: fields.Timestamp | None
    last_error: Annotated[
        str, fields.example("", "Why the last attempt failed, in the user's language.")
    ]
    settings: Annotated[
        list[
            Annotated[
                str, fields.choice(WebhookEvent.values, WebhookEvent.NOTE_CONTACT)
            ]
        ],
        Meta(min_length=1),
    ]


class Subscription(Webhook, kw_only=True):
    secret: (
        Annotated[
            str,
            fields.example(
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=",
                "The key of the signatures. It is returned only in this response, and"
                " only when the webhook is new.",
            ),
        ]
        | UnsetType
    ) = UNSET


class TokenPair(Struct, kw_only=True):
    token_type: Literal["Bearer"]
    expires_in: Annotated[int, fields.example(86400, minimum=1)]
    access_token: Annotated[
        str, fields.example("eyJ0eXAiOiJKV1QiLCJhbGciOi…", "A JWT.")
    ]
    refresh_token: Annotated[str, fields.example("…")]


class Check(Struct):
    ok: fields.ExampleTrue
    detail: Annotated[str, fields.example("")]


class Readiness(Struct):
    status: Annotated[str, fields.choice(["ready", "degraded", "unready"], "ready")]
    checks: (
        Annotated[
            dict[str, Check], fields.example({"postgres": {"ok": True, "detail": ""}})
        ]
        | UnsetType
    ) = UNSET
