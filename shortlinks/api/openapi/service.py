"""What needs no token: the exchange of grants, health, and the document itself."""

from shortlinks.api import oauth
from shortlinks.api.openapi.operations import JSON, NO_STORE, Operation, SuccessResponse
from shortlinks.api.openapi.problems import OAUTH
from shortlinks.api.openapi.schemas import (
    Schema,
    boolean,
    choice,
    const,
    integer,
    named,
    object_,
    text,
)
from shortlinks.domain.auth.oauth import ACCESS_TOKEN_TTL

TAG = "Tokens"
HEALTH = "Health"
CLIENT = {
    "client_id": text("6b1e3c4e-0000-4000-8000-9f2a4c1d7e55"),
    "client_secret": text("the secret that create_integration printed"),
    "redirect_uri": text("https://crm.example.com/callback"),
}
CODE = {
    **CLIENT,
    "grant_type": const("authorization_code"),
    "code": text("the code; lives 20 minutes, works once"),
}
REFRESH = {
    **CLIENT,
    "grant_type": const("refresh_token"),
    "refresh_token": text("the last one you got; works once"),
}
GRANT = Schema({}, object_(CODE).example, either=(object_(CODE), object_(REFRESH)))
PAIR = named(
    "TokenPair",
    object_(
        {
            "token_type": const("Bearer"),
            "expires_in": integer(int(ACCESS_TOKEN_TTL.total_seconds()), minimum=1),
            "access_token": text("eyJ0eXAiOiJKV1QiLCJhbGciOi…", description="A JWT."),
            "refresh_token": text("…"),
        }
    ),
)
NOT_SAFE = {405: "Another method than `GET` and `HEAD`."}
PART = object_({"ok": boolean(example=True), "detail": text("")})
READINESS = named(
    "Readiness",
    object_(
        {
            "status": choice(["ready", "degraded", "unready"], "ready"),
            "checks": Schema({"type": "object"}, {"postgres": PART.example}, rest=PART),
        }
    ),
)
OPERATIONS = (
    Operation(
        id="exchange_grant",
        tag=TAG,
        method="POST",
        path="/oauth2/access_token",
        summary="A code or a refresh token for a pair of tokens",
        body=GRANT,
        body_types=(JSON, oauth.FORM),
        answer=SuccessResponse("The pair.", PAIR, JSON, NO_STORE),
        needs_token=False,
        refusals=OAUTH,
    ),
    Operation(
        id="get_openapi",
        tag=HEALTH,
        method="GET",
        path="/api/v4/openapi.json",
        summary="This document",
        answer=SuccessResponse(
            "OpenAPI 3.1.",
            Schema({"type": "object"}, {"openapi": "3.1.0"}),
            JSON,
            without_body={304: "It is still what `If-None-Match` names."},
        ),
        needs_token=False,
    ),
    Operation(
        id="get_health",
        tag=HEALTH,
        method="GET",
        path="/healthz",
        summary="The process lives",
        answer=SuccessResponse(
            "It does.", text("ok\n"), "text/plain", without_body=NOT_SAFE
        ),
        needs_token=False,
        has_problems=False,
    ),
    Operation(
        id="get_readiness",
        tag=HEALTH,
        method="GET",
        path="/readyz",
        summary="Which parts are there",
        answer=SuccessResponse(
            "Ready, or degraded.", READINESS, JSON, NO_STORE, without_body=NOT_SAFE
        ),
        also={503: SuccessResponse("Unready: a vital part is away.", READINESS, JSON)},
        needs_token=False,
        has_problems=False,
    ),
)
