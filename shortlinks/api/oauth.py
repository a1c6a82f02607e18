"""`POST /oauth2/access_token`: a code or refresh token for a pair (contract §3)."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from shortlinks.api import parsing
from shortlinks.api.problems import Problem
from shortlinks.api.views import ApiView
from shortlinks.domain.auth import oauth
from shortlinks.models import GrantKind

# Which parameter carries the secret, and what kind of grant it is.
GRANTS = {
    "authorization_code": ("code", GrantKind.CODE),
    "refresh_token": ("refresh_token", GrantKind.REFRESH),
}
FORM = "application/x-www-form-urlencoded"


class OAuthProblem(Problem):
    """OAuth's own shape of an error: with a `hint`."""

    def __init__(self, status: int, detail: str, *, hint: str) -> None:
        super().__init__(status, detail)
        self.hint = hint

    def body(self) -> dict[str, Any]:
        kind = "https://developers.amocrm.ru/v3/errors/OAuthProblemJson"
        return {"hint": self.hint, **super().body(), "type": kind}


class AccessToken(ApiView):
    authentication_classes = []
    permission_classes = []

    def post(self, request: Request) -> Response:
        try:
            parameters = _parameters(request)
        except Problem as problem:
            hint = "Check the body and its Content-Type"
            raise OAuthProblem(problem.status, problem.detail, hint=hint) from None
        grant_type = parameters.get("grant_type", "")
        if grant_type not in GRANTS:
            raise OAuthProblem(
                400,
                "The authorization grant type is not supported by the server.",
                hint="Check that all required parameters have been provided",
            )
        field, kind = GRANTS[grant_type]
        pair = _redeem(parameters, kind=kind, secret=parameters.get(field, ""))
        return Response(
            {
                "token_type": "Bearer",
                "expires_in": int(oauth.ACCESS_TOKEN_TTL.total_seconds()),
                "access_token": pair.access_token,
                "refresh_token": pair.refresh_token,
            },
            content_type="application/json",
            headers={"Cache-Control": "no-store"},
        )


def _redeem(
    parameters: dict[str, str], *, kind: GrantKind, secret: str
) -> oauth.TokenPair:
    try:
        integration = oauth.authenticate(
            client_id=parameters.get("client_id", ""),
            secret=parameters.get("client_secret", ""),
            redirect_uri=parameters.get("redirect_uri", ""),
        )
        return oauth.redeem(integration, kind=kind, secret=secret)
    except oauth.UnknownClient:
        raise OAuthProblem(
            401,
            "Client authentication failed.",
            hint="Check client_id, client_secret and redirect_uri",
        ) from None
    except oauth.GrantRejected:
        raise OAuthProblem(
            400,
            "The code or refresh token is not valid.",
            hint="It is unknown, used or expired",
        ) from None


def _parameters(request: Request) -> dict[str, str]:
    parsing.check_length(request)
    if request._request.content_type == FORM:
        return {key: str(value) for key, value in request._request.POST.items()}
    body = parsing.read_object(request)
    return {key: value for key, value in body.items() if isinstance(value, str)}
