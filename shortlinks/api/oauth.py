"""`/oauth2/…`: tokens, their revocation and account domain (docs/contract.md)."""

from io import BytesIO
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, QueryDict
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.http.request import HttpHeaders
from rest_framework.request import Request

from shortlinks.api import content_encoding, parsing, problems
from shortlinks.api.hal import Response
from shortlinks.api.problems import OAuthProblem, Problem
from shortlinks.api.resources import accounts as resources
from shortlinks.api.views import ApiView, PublicView
from shortlinks.domain.auth import guess_limits, oauth
from shortlinks.domain.auth.guess_limits import Secret
from shortlinks.domain.auth.oauth_families import TokenPair
from shortlinks.models import Account, GrantKind, Integration

# The parameter with the secret, and the kind of the grant.
GRANTS = {
    "authorization_code": ("code", GrantKind.CODE),
    "refresh_token": ("refresh_token", GrantKind.REFRESH),
}
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
INVALID_FORM = "The form is malformed, or has more than 1,000 fields."
REFRESH_TOKEN_META = HttpHeaders.to_wsgi_name("X-Refresh-Token")


class AccessToken(PublicView):
    def post(self, request: Request) -> Response:
        parameters = _read(request)
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
                "expires_in": pair.expires_in,
                "access_token": pair.access_token,
                "refresh_token": pair.refresh_token,
            },
            content_type="application/json",
        )


class TokenRevocation(PublicView):
    """Revocation of a token by its client (RFC 7009)."""

    def post(self, request: Request) -> Response:
        parameters = _read(request)
        token = parameters.get("token", "")
        integration = _authenticate(parameters, redirect_uri=None)
        if not token:
            raise OAuthProblem(
                400, "The token is missing.", hint="Send the token in the field token"
            )
        oauth.revoke(integration, token)
        return Response({}, content_type="application/json")


class AccountDomain(ApiView):
    """The domain of the access token's account, to which clients send requests."""

    def get(self, request: Request) -> Response:
        return _account_domain(self.caller.token.account)


class CurrentAccountDomain(PublicView):
    """The domain of the account of an unused refresh token."""

    def get(self, request: Request) -> Response:
        account = oauth.account_of(request.META.get(REFRESH_TOKEN_META, ""))
        if account is None:
            raise OAuthProblem(
                401,
                "The refresh token is not valid.",
                hint="Send an unused refresh token in X-Refresh-Token",
            )
        return _account_domain(account)


def _account_domain(account: Account) -> Response:
    url = urlsplit(settings.BASE_URL)
    resource = resources.AccountDomain(
        id=account.id,
        subdomain=account.subdomain,
        domain=url.netloc,
        top_level_domain=(url.hostname or "").rpartition(".")[2],
    )
    return Response(resource, content_type="application/json")


def _unreadable(problem: Problem) -> OAuthProblem:
    hint = "Check the body and its Content-Type"
    return OAuthProblem(
        problem.status, problem.detail, hint=hint, headers=problem.headers
    )


def _redeem(parameters: dict[str, str], *, kind: GrantKind, secret: str) -> TokenPair:
    integration = _authenticate(parameters, redirect_uri="")
    try:
        return oauth.redeem(integration, kind=kind, secret=secret)
    except oauth.GrantRejected:
        oauth.record_failure(integration)
        raise OAuthProblem(
            400,
            "The code or refresh token is not valid.",
            hint="It is unknown, used or expired",
        ) from None


def _authenticate(
    parameters: dict[str, str], *, redirect_uri: str | None
) -> Integration:
    """Return the client. `redirect_uri` replaces a missing one; None is not checked."""
    try:
        return oauth.authenticate(
            client_id=parameters.get("client_id", ""),
            secret=parameters.get("client_secret", ""),
            redirect_uri=parameters.get("redirect_uri", redirect_uri),
        )
    except oauth.UnknownClient as error:
        oauth.record_failure(error.integration)
        attempt = guess_limits.begin(Secret.CLIENT_SECRET)
        if not attempt.is_allowed:
            raise problems.too_many_requests(attempt.wait_seconds) from None
        raise OAuthProblem(
            401,
            "Client authentication failed.",
            hint="Check client_id, client_secret and redirect_uri",
        ) from None


def _read(request: Request) -> dict[str, str]:
    try:
        return _parameters(request)
    except Problem as problem:
        raise _unreadable(problem) from None
    except UNREADABLE:
        raise _unreadable(Problem(400, INVALID_FORM)) from None


def _parameters(request: Request) -> dict[str, str]:
    parsing.check_length(request)
    media_type = request._request.content_type
    if media_type in FORMS:
        fields = FORMS[media_type](request._request)
        return {key: str(value) for key, value in fields.items()}
    body = parsing.read_object(request)
    return {key: value for key, value in body.items() if isinstance(value, str)}


def _urlencoded(request: HttpRequest) -> QueryDict:
    return QueryDict(content_encoding.decoded_body(request), encoding="utf-8")


def _multipart(request: HttpRequest) -> QueryDict:
    """Return the fields; without an upload handler, files are skipped."""
    body = BytesIO(content_encoding.decoded_body(request))
    return MultiPartParser(request.META, body, [], "utf-8").parse()[0]


FORMS = {FORM: _urlencoded, MULTIPART: _multipart}
UNREADABLE = (MultiPartParserError, SuspiciousOperation)
