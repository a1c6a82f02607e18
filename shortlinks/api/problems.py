"""Errors of the API, all rendered here as problem+json (docs/contract.md)."""

import http
import logging
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.views import defaults

from shortlinks.api import denied_requests, unavailable_page
from shortlinks.api.database_breaker import RETRY_AFTER, breaker
from shortlinks.api.resources import errors
from shortlinks.api.resources.errors import ItemErrors
from shortlinks.domain.auth.tokens import TokenRejected
from shortlinks.domain.quotas import QuotaReached

logger = logging.getLogger(__name__)

DATABASE_ERRORS = (OperationalError, InterfaceError)
API_PATHS = ("/api/", "/oauth2/")
OAUTH_PATHS = frozenset({"/oauth2/access_token", "/oauth2/revoke"})
OAUTH_TYPE = "https://developers.amocrm.ru/v3/errors/OAuthProblemJson"
OAUTH_HINT = "See the detail for the cause and the remedy"
CHALLENGE = {"WWW-Authenticate": "Bearer"}
STATUS_BY_EXCEPTION: dict[type[Exception], int] = {
    TokenRejected: 401,
    Http404: 404,
    PermissionDenied: 403,
    RequestDataTooBig: 413,
    SuspiciousOperation: 400,
    BadRequest: 400,
    UnreadablePostError: 400,
}
DETAILS = {
    400: "The request is malformed. Check its path, headers and body.",
    401: "The access token is invalid, expired or revoked. Send one that is active.",
    403: "You do not have permission for this request.",
    404: "Not found. Check the path and the id.",
    408: "The body did not arrive in time. Send it faster, or in smaller requests.",
    413: "The body is too large. Split it into smaller requests.",
    429: "Too many slow or large requests. Try again after Retry-After seconds.",
    500: "An internal error occurred. Report it with the X-Request-Id.",
    503: "Too many requests are waiting. Try again after Retry-After seconds.",
}
TOO_MANY_REQUESTS = "Too many requests. Try again after Retry-After seconds."
INTERNAL_ERROR = (
    "An internal error occurred. Nothing was stored. Report it with the X-Request-Id."
)
QUOTA_REACHED = (
    "The account may have no more {0.quota} (limit: {0.limit}). Nothing was stored."
    " Ask the operator for a higher limit."
)
DATABASE_UNAVAILABLE = (
    "The database is unavailable. Nothing was stored. Try again later."
)
DATABASE_BUSY = "The database is busy. Nothing was stored. Try again later."


def type_of(status: int) -> str:
    """Return the `type` of a problem, which is a URL."""
    return f"https://httpstatus.es/{status}"


class Problem(Exception):
    """An error response; code raises it where it detects the error."""

    def __init__(
        self, status: int, detail: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        body = errors.Problem(
            title=http.HTTPStatus(self.status).phrase,
            type=type_of(self.status),
            status=self.status,
            detail=self.detail,
        )
        return dict(msgspec.to_builtins(body))


class ValidationFailed(Problem):
    """The rejection of a whole batch, with all errors of all items."""

    def __init__(
        self, errors: Sequence[ItemErrors], detail: str = "Request validation failed"
    ) -> None:
        super().__init__(400, detail)
        self.errors = errors

    def body(self) -> dict[str, Any]:
        body = errors.ValidationProblem(
            validation_errors=list(self.errors), **super().body()
        )
        return dict(msgspec.to_builtins(body))


class OAuthProblem(Problem):
    """An error in the format of OAuth, which has a `hint`."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        hint: str = OAUTH_HINT,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail, headers=headers)
        self.hint = hint

    def body(self) -> dict[str, Any]:
        return {"hint": self.hint, **super().body(), "type": OAUTH_TYPE}


def for_path(problem: Problem, path: str) -> Problem:
    """Return the problem in the format of the path: OAuth's format has a `hint`."""
    if path not in OAUTH_PATHS or isinstance(problem, OAuthProblem):
        return problem
    return OAuthProblem(problem.status, problem.detail, headers=problem.headers)


def render(error: Exception, path: str = "") -> HttpResponse:
    """Return the response for any exception."""
    problem = for_path(_problem(error), path)
    if problem.status >= 500:
        unexpected = error if problem.status == 500 else None
        logger.error("API response %d", problem.status, exc_info=unexpected)
    return _response(problem)


def database_unavailable() -> Problem:
    return Problem(503, DATABASE_UNAVAILABLE, headers={"Retry-After": RETRY_AFTER})


def too_many_requests(seconds: float) -> Problem:
    retry_after = max(1, math.ceil(seconds))
    return Problem(429, TOO_MANY_REQUESTS, headers={"Retry-After": str(retry_after)})


def _problem(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, QuotaReached):
        return Problem(403, QUOTA_REACHED.format(error))
    if isinstance(error, DATABASE_ERRORS):
        return _from_database(error)
    for exception_type, status in STATUS_BY_EXCEPTION.items():
        if isinstance(error, exception_type):
            headers = CHALLENGE if status == 401 else {}
            return Problem(status, DETAILS[status], headers=headers)
    return Problem(500, INTERNAL_ERROR)


def _from_database(error: Exception) -> Problem:
    if _concerns_one_statement(error):
        return Problem(503, DATABASE_BUSY, headers={"Retry-After": RETRY_AFTER})
    breaker.trip(error)
    return database_unavailable()


def _concerns_one_statement(error: BaseException) -> bool:
    """Return whether only this statement fails: a lock, a deadlock or a timeout."""
    code = getattr(error.__cause__, "sqlstate", None) or ""
    return code[:2] in {"40", "55"} or code == "57014"


def _response(problem: Problem) -> HttpResponse:
    return HttpResponse(
        msgspec.json.encode(problem.body()),
        status=problem.status,
        content_type="application/problem+json",
        headers=dict(problem.headers),
    )


# --- Django's error handlers, for errors outside the API's views -------------


def _response_for(request: HttpRequest, status: int) -> HttpResponse:
    return _response(for_path(Problem(status, DETAILS[status]), request.path))


def _is_api(request: HttpRequest) -> bool:
    return f"{request.path}/".startswith(API_PATHS)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_api(request):
        return _response_for(request, 400)
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_api(request):
        return _response_for(request, 403)
    denied_requests.record(request, getattr(request, "user", None))
    return defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_api(request):
        return _response_for(request, 404)
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    if _is_api(request):
        return _response_for(request, 500)
    error = sys.exc_info()[1]  # Django calls this while it handles the error
    if isinstance(error, DATABASE_ERRORS):
        _from_database(error)  # trips the breaker
        return unavailable_page.render(request)
    return defaults.server_error(request)
