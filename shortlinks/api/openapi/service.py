"""Operations of OAuth, the health checks, and this document."""

from shortlinks.api import oauth
from shortlinks.api.openapi.operations import (
    JSON,
    NO_STORE,
    Operation,
    SuccessResponse,
    parameter,
)
from shortlinks.api.openapi.problems import OAUTH, REFRESH_TOKEN_REJECTED
from shortlinks.api.openapi.schemas import const, object_, reference, text
from shortlinks.api.resources.accounts import AccountDomain
from shortlinks.api.resources.webhooks import Readiness, TokenPair

TAG = "Tokens"
CLIENT = {
    "client_id": text("6b1e3c4e-0000-4000-8000-9f2a4c1d7e55"),
    "client_secret": text("the secret that create_integration printed"),
    "redirect_uri": text("https://crm.example.com/callback"),
}
CODE_GRANT = object_(
    {
        **CLIENT,
        "grant_type": const("authorization_code"),
        "code": text("the code; valid for 20 minutes, once"),
    }
)
REFRESH_GRANT = object_(
    {
        **CLIENT,
        "grant_type": const("refresh_token"),
        "refresh_token": text("the latest refresh token"),
    }
)
REVOCATION = object_(
    {
        "client_id": CLIENT["client_id"],
        "client_secret": CLIENT["client_secret"],
        "token": text("an access token or a refresh token"),
    }
)
READ_ONLY = {405: "The method is not `GET` or `HEAD`."}
REFRESH_TOKEN_HEADER = parameter(
    "X-Refresh-Token",
    text(
        "an unused refresh token", description="A refresh token that was not used yet."
    ),
    where="header",
)
OPERATIONS = (
    Operation(
        id="exchange_grant",
        route="POST /oauth2/access_token",
        summary="Exchange a code or a refresh token for a pair of tokens",
        description="A code works once. A refresh token is replaced, and gets the same"
        " pair again for 60 s. An older one, or a used code, revokes all tokens that"
        " descend from the code.",
        body={"oneOf": [CODE_GRANT, REFRESH_GRANT]},
        body_types=(JSON, oauth.FORM, oauth.MULTIPART),
        response=SuccessResponse("The pair.", reference(TokenPair), JSON, NO_STORE),
        needs_token=False,
        errors=OAUTH,
    ),
    Operation(
        id="revoke_token",
        route="POST /oauth2/revoke",
        summary="Revoke a token (RFC 7009)",
        description="A refresh token is revoked with all tokens that descend from the"
        " same code. An unknown token, or another client's, is 200 too.",
        body=REVOCATION,
        body_types=(JSON, oauth.FORM, oauth.MULTIPART),
        response=SuccessResponse(
            "The token is not valid any more.",
            {"type": "object", "additionalProperties": False, "examples": [{}]},
            JSON,
            NO_STORE,
        ),
        needs_token=False,
        errors=OAUTH,
    ),
    Operation(
        id="get_account_domain",
        route="GET /oauth2/account/subdomain",
        summary="Get the domain of the access token's account",
        response=SuccessResponse("The domain.", reference(AccountDomain), JSON),
    ),
    Operation(
        id="get_current_account_domain",
        route="GET /oauth2/account/current/subdomain",
        summary="Get the domain of a refresh token's account",
        description="The refresh token stays unused.",
        parameters=[REFRESH_TOKEN_HEADER],
        response=SuccessResponse("The domain.", reference(AccountDomain), JSON),
        needs_token=False,
        errors=[REFRESH_TOKEN_REJECTED],
    ),
    Operation(
        id="get_openapi",
        tag="Health",
        route="GET /api/v4/openapi.json",
        summary="Get this document",
        response=SuccessResponse(
            "The OpenAPI 3.1 document.",
            {"type": "object", "examples": [{"openapi": "3.1.0"}]},
            JSON,
            without_body={304: "The document still matches `If-None-Match`."},
        ),
        needs_token=False,
    ),
    Operation(
        id="get_health",
        tag="Health",
        route="GET /healthz",
        summary="Check whether the process runs",
        response=SuccessResponse(
            "The process runs.", text("ok\n"), "text/plain", without_body=READ_ONLY
        ),
        needs_token=False,
        has_error_responses=False,
    ),
    Operation(
        id="get_readiness",
        tag="Health",
        route="GET /readyz",
        summary="Check whether the dependencies are available",
        response=SuccessResponse(
            "Ready or degraded.",
            reference(Readiness),
            JSON,
            NO_STORE,
            without_body=READ_ONLY,
        ),
        other_responses={
            503: SuccessResponse(
                "Unready: a required dependency is unavailable.",
                reference(Readiness),
                JSON,
            )
        },
        needs_token=False,
        has_error_responses=False,
    ),
)
