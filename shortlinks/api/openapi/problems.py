"""The error responses of the API, to which operations refer (docs/contract.md)."""

import http
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from msgspec import Struct

from shortlinks.api import problems
from shortlinks.api.openapi.schemas import Json, example, reference
from shortlinks.api.resources.errors import OAuthProblem, Problem, ValidationProblem

PROBLEM_JSON = "application/problem+json"


def _header(description: str, example: str, **keywords: str) -> Json:
    schema = {"type": "string", **keywords, "examples": [example]}
    return {"description": description, "required": True, "schema": schema}


RETRY_AFTER = {
    "Retry-After": _header(
        "Seconds to wait before the next attempt.", "1", pattern="^[1-9][0-9]*$"
    )
}


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """An error response: its name in the document, an example, and its cause."""

    name: str
    status: int
    detail: str
    cause: str
    headers: Json = field(default_factory=dict)
    body: type[Struct] = Problem

    def to_openapi(self) -> Json:
        content = {"schema": reference(self.body), "example": self._example()}
        return {
            "description": self.cause,
            **({"headers": self.headers} if self.headers else {}),
            "content": {PROBLEM_JSON: content},
        }

    def _example(self) -> Any:
        shown = {
            **example(reference(self.body)),
            "title": http.HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.body is not OAuthProblem:
            shown["type"] = problems.type_of(self.status)
        return shown


TOO_LARGE = "The body is larger than 4 MB. Split it into smaller requests."
NOT_JSON = "The body must be JSON (Content-Type: application/json)."
USUAL = (
    ErrorResponse(
        "BadRequest",
        400,
        "filter[code] is not supported by this list. See /api/docs.",
        "The request is malformed, or uses an unknown filter or order.",
    ),
    ErrorResponse(
        "Unauthorized",
        401,
        "The access token is not valid.",
        "The token is missing, malformed, expired or revoked, or its user or account is"
        " inactive.",
        {"WWW-Authenticate": _header("The authentication scheme.", "Bearer")},
    ),
    ErrorResponse(
        "Forbidden",
        403,
        "Invalid scope",
        "The token lacks the scope, its user lacks a permission, or the token may not"
        " use this `X-Context-User-ID`.",
    ),
    ErrorResponse(
        "NotFound",
        404,
        problems.DETAILS[404],
        "Not found. Objects that you may not view look the same as unknown ones.",
    ),
    ErrorResponse(
        "MethodNotAllowed",
        405,
        'Method "PUT" not allowed.',
        "The path does not support this method. `Allow` lists the supported ones.",
        {"Allow": _header("The supported methods.", "GET, HEAD, POST")},
    ),
    ErrorResponse(
        "BodyTooSlow",
        408,
        problems.DETAILS[408],
        "The body did not arrive in time. Nothing was stored.",
    ),
    ErrorResponse(
        "Conflict",
        409,
        "The contact has another active link for this URL.",
        "The request conflicts with an existing resource.",
    ),
    ErrorResponse("BodyTooLarge", 413, TOO_LARGE, "The body is larger than 4 MB."),
    ErrorResponse(
        "NotJson",
        415,
        NOT_JSON,
        "The body is not JSON, or has a `Content-Encoding` other than gzip or deflate.",
    ),
    ErrorResponse(
        "TooManyRequests",
        429,
        problems.TOO_MANY_REQUESTS,
        "The token or its account exceeds its rate limit, or an address sends too many"
        " slow or large requests at a time.",
        RETRY_AFTER,
    ),
    ErrorResponse(
        "InternalError",
        500,
        problems.INTERNAL_ERROR,
        "An error in this service. Nothing was stored.",
    ),
    ErrorResponse(
        "DatabaseUnavailable",
        503,
        problems.DATABASE_UNAVAILABLE,
        "The database is unavailable or busy, or too many requests are waiting. Nothing"
        " was stored.",
        RETRY_AFTER,
    ),
)
# The server itself sends these, before the service receives the request.
PATH_TOO_LONG, HEADERS_TOO_LARGE = "PathTooLong", "HeadersTooLarge"
INVALID = ErrorResponse(
    "ValidationFailed",
    400,
    "Request validation failed",
    "The body is malformed, or items are invalid. Nothing was stored. The response"
    " lists each invalid field of each item.",
    body=ValidationProblem,
)
OAUTH = (
    ErrorResponse(
        "GrantRejected",
        400,
        "The code or refresh token is not valid.",
        "The grant type is unsupported, or the code or refresh token is unknown, used"
        " or expired.",
        body=OAuthProblem,
    ),
    ErrorResponse(
        "ClientRejected",
        401,
        "Client authentication failed.",
        "The integration's id, secret or redirect URI is wrong.",
        body=OAuthProblem,
    ),
    ErrorResponse(
        "GrantTooLarge",
        413,
        TOO_LARGE,
        "The body is larger than 4 MB.",
        body=OAuthProblem,
    ),
    ErrorResponse(
        "GrantUnreadable",
        415,
        NOT_JSON,
        "The body is neither JSON nor a form, or has an unsupported"
        " `Content-Encoding`.",
        body=OAuthProblem,
    ),
    *(
        replace(each, name=f"OAuth{each.name}", body=OAuthProblem)
        for each in USUAL
        if each.status in {405, 408, 429, 500, 503}
    ),
)
REFRESH_TOKEN_REJECTED = ErrorResponse(
    "RefreshTokenRejected",
    401,
    "The refresh token is not valid.",
    "The refresh token is missing, unknown, used or expired.",
    body=OAuthProblem,
)


def responses() -> Mapping[str, Json]:
    """Return all error responses by name."""
    headers = {"description": "The headers exceed 64 KB. There is no body."}
    path = {"description": "The path and query exceed 64 KB. There is no body."}
    named = (*USUAL, INVALID, *OAUTH, REFRESH_TOKEN_REJECTED)
    described = {each.name: each.to_openapi() for each in named}
    return {PATH_TOO_LONG: path, HEADERS_TOO_LARGE: headers, **described}


def references(statuses: Iterable[int], special: Iterable[ErrorResponse] = ()) -> Json:
    """Return references by status; `special` ones replace the usual ones."""
    names = {414: PATH_TOO_LONG, 431: HEADERS_TOO_LARGE}
    names |= {each.status: each.name for each in (*USUAL, *special)}
    return {
        str(status): {"$ref": f"#/components/responses/{names[status]}"}
        for status in sorted(statuses)
    }
