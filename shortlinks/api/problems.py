"""Every error of the API as problem+json, rendered here alone (contract §2)."""

import http
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
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
from rest_framework import exceptions

from shortlinks.api.database_breaker import breaker

logger = logging.getLogger(__name__)

API_PATHS = ("/api/", "/oauth2/")
RETRY_AFTER = "30"  # seconds, when the database is away
# What Django and DRF raise for what happens before or around a view.
STATUS_OF_DJANGO: dict[type[Exception], int] = {
    Http404: 404,
    PermissionDenied: 403,
    RequestDataTooBig: 413,
    SuspiciousOperation: 400,
    BadRequest: 400,
    UnreadablePostError: 400,
}
DETAILS = {
    400: "The request is malformed.",
    403: "This is not allowed.",
    404: "There is nothing at this address.",
    413: "The body is too large.",
}
DATABASE_UNAVAILABLE = (OperationalError, InterfaceError)


@dataclass(frozen=True, slots=True)
class FieldError:
    """One fault of one field; `path` is dotted and relative to the item."""

    code: str
    path: str
    detail: str


@dataclass(frozen=True, slots=True)
class ItemErrors:
    """All faults of one item; `request_id` is the item's own, else its index."""

    request_id: str
    errors: Sequence[FieldError]


class Problem(Exception):
    """An answer that is an error; raised where the fault is noticed."""

    def __init__(
        self, status: int, detail: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        return {
            "title": http.HTTPStatus(self.status).phrase,
            "type": f"https://httpstatus.es/{self.status}",
            "status": self.status,
            "detail": self.detail,
        }


class ValidationFailed(Problem):
    """The whole batch is rejected, with every fault of every item."""

    def __init__(
        self, errors: Sequence[ItemErrors], detail: str = "Request validation failed"
    ) -> None:
        super().__init__(400, detail)
        self.errors = errors

    def body(self) -> dict[str, Any]:
        return {"validation-errors": [asdict(e) for e in self.errors], **super().body()}


def render(error: Exception, context: object = None) -> HttpResponse:
    """DRF's exception handler: whatever went wrong, in the contract's words."""
    problem = _problem(error)
    if problem.status >= 500:
        unforeseen = error if problem.status == 500 else None
        logger.error("the API answers %d", problem.status, exc_info=unforeseen)
    return _response(problem)


def database_unavailable() -> Problem:
    detail = "The database is away. Nothing was stored, please try again."
    return Problem(503, detail, headers={"Retry-After": RETRY_AFTER})


def _problem(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, exceptions.APIException):
        return _of_drf(error)
    if isinstance(error, DATABASE_UNAVAILABLE):
        return _of_database(error)
    for kind, status in STATUS_OF_DJANGO.items():
        if isinstance(error, kind):
            return Problem(status, DETAILS[status])
    return Problem(500, "Something went wrong on our side. Nothing was stored.")


def _of_database(error: Exception) -> Problem:
    if _is_of_one_statement(error):
        detail = "The database is busy. Nothing was stored, please try again."
        return Problem(503, detail, headers={"Retry-After": RETRY_AFTER})
    breaker.trip()
    return database_unavailable()


def _is_of_one_statement(error: BaseException) -> bool:
    """A lock, a deadlock, a time-out: the database is there for everybody else."""
    code = getattr(error.__cause__, "sqlstate", None) or ""
    return code[:2] in {"40", "55"} or code == "57014"


def _of_drf(error: exceptions.APIException) -> Problem:
    headers = {}
    if error.status_code == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, exceptions.Throttled):
        seconds = max(1, math.ceil(getattr(error, "wait", 0) or 0))
        detail = "Too many requests: see Retry-After."
        return Problem(429, detail, headers={"Retry-After": str(seconds)})
    return Problem(error.status_code, str(error.detail), headers=headers)


def _response(problem: Problem) -> HttpResponse:
    return HttpResponse(
        msgspec.json.encode(problem.body()),
        status=problem.status,
        content_type="application/problem+json",
        headers=dict(problem.headers),
    )


# --- what Django answers before a view of the API is reached -----------------


def _is_api(request: HttpRequest) -> bool:
    return f"{request.path}/".startswith(API_PATHS)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_api(request):
        return _response(Problem(400, DETAILS[400]))
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_api(request):
        return _response(Problem(403, DETAILS[403]))
    return defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_api(request):
        return _response(Problem(404, DETAILS[404]))
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    if _is_api(request):
        return _response(Problem(500, "Something went wrong on our side."))
    return defaults.server_error(request)
