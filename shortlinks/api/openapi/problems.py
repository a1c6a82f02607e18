"""Every error answer of the API, for operations to refer to (contract §2)."""

import http
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from shortlinks.api.openapi.schemas import (
    Components,
    Json,
    Schema,
    array,
    content,
    extended,
    integer,
    named,
    object_,
    text,
)

PROBLEM_JSON = "application/problem+json"
OAUTH_KIND = "https://developers.amocrm.ru/v3/errors/OAuthProblemJson"


def _header(description: str, example: str, **keywords: str) -> Json:
    schema = {"type": "string", **keywords, "examples": [example]}
    return {"description": description, "required": True, "schema": schema}


RETRY_AFTER = {
    "Retry-After": _header(
        "Seconds until it is worth trying again.", "1", pattern="^[1-9][0-9]*$"
    )
}


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """An error answer: its name in the document, an example's detail, when it comes."""

    name: str
    status: int
    detail: str
    when: str
    headers: Json = field(default_factory=dict)

    def response(self, schema: Schema, components: Components) -> Json:
        return {
            "description": self.when,
            **({"headers": self.headers} if self.headers else {}),
            "content": {PROBLEM_JSON: content(schema, components)},
        }


USUAL = (
    ErrorResponse(
        "BadRequest",
        400,
        "filter[code] is not supported here.",
        "The request is malformed, or names a filter or an order that there is not.",
    ),
    ErrorResponse(
        "Unauthorized",
        401,
        "The access token is not valid.",
        "No token, or one that is malformed, expired, revoked, or of an inactive user"
        " or account.",
        {"WWW-Authenticate": _header("How to come in.", "Bearer")},
    ),
    ErrorResponse(
        "Forbidden",
        403,
        "Invalid scope",
        "The token lacks the scope, its user a right, or `X-Context-User-ID` is not"
        " for this token.",
    ),
    ErrorResponse(
        "NotFound",
        404,
        "There is nothing at this address.",
        "Nothing that you may see: unknown and forbidden look the same.",
    ),
    ErrorResponse(
        "MethodNotAllowed",
        405,
        'Method "PUT" not allowed.',
        "Another method than there is; `Allow` says which there are.",
        {"Allow": _header("The methods that there are.", "GET, HEAD, POST")},
    ),
    ErrorResponse(
        "Conflict",
        409,
        "The contact has another live link for this url.",
        "What is asked for stands in the way of something that is there.",
    ),
    ErrorResponse(
        "BodyTooLarge", 413, "The body is larger than 4 MB.", "A body over 4 MB."
    ),
    ErrorResponse(
        "NotJson",
        415,
        "The body must be JSON (Content-Type: application/json).",
        "A body that is not JSON.",
    ),
    ErrorResponse(
        "TooManyRequests",
        429,
        "Too many requests: see Retry-After.",
        "The token or its account calls more often than it may.",
        RETRY_AFTER,
    ),
    ErrorResponse(
        "OurFault",
        500,
        "Something went wrong on our side. Nothing was stored.",
        "Our fault; nothing was stored.",
    ),
    ErrorResponse(
        "DatabaseAway",
        503,
        "The database is away. Nothing was stored, please try again.",
        "The database is away or busy; nothing was stored.",
        RETRY_AFTER,
    ),
)
# The server's own word, before the service sees the request.
HEAD_TOO_LARGE = "HeadTooLarge"
TOO_LARGE = "The address and headers are over 64 KB; without a body."
INVALID = ErrorResponse(
    "ValidationFailed",
    400,
    "Request validation failed",
    "The body is malformed, or items of it fail: then nothing is stored, and every"
    " faulty field of every item is named.",
)
OAUTH = (
    ErrorResponse(
        "GrantRefused",
        400,
        "The code or refresh token is not valid.",
        "A grant type that there is not, or a code or refresh token that is unknown,"
        " used or expired.",
    ),
    ErrorResponse(
        "ClientRefused",
        401,
        "Client authentication failed.",
        "Not the integration's id, secret or address.",
    ),
    ErrorResponse(
        "GrantTooLarge", 413, "The body is larger than 4 MB.", "A body over 4 MB."
    ),
    ErrorResponse(
        "GrantUnreadable",
        415,
        "The body must be JSON (Content-Type: application/json).",
        "A body that is neither JSON nor a form.",
    ),
)
SERVER_ERROR = named(
    "FieldError",
    object_(
        {
            "code": text("FieldMissing", description="See the table in docs/api.md."),
            "path": text("metadata.entity_id", description="Dotted, from the item on."),
            "detail": text("This field is missing."),
        }
    ),
)
SERVER_ERRORS = named(
    "ItemErrors",
    object_(
        {
            "request_id": text("0", description="The item's own, else its index."),
            "errors": array(SERVER_ERROR, minItems=1),
        }
    ),
)


def responses(components: Components) -> Mapping[str, Json]:
    """All of them by name."""
    return {
        HEAD_TOO_LARGE: {"description": TOO_LARGE},
        **{each.name: each.response(_problem(each), components) for each in USUAL},
        INVALID.name: INVALID.response(_invalid(), components),
        **{each.name: each.response(_oauth(each), components) for each in OAUTH},
    }


def references(statuses: Iterable[int], special: Iterable[ErrorResponse] = ()) -> Json:
    """By status; those in `special` take the place of the usual ones."""
    names = {431: HEAD_TOO_LARGE}
    names |= {each.status: each.name for each in (*USUAL, *special)}
    return {
        str(status): {"$ref": f"#/components/responses/{names[status]}"}
        for status in sorted(statuses)
    }


def _problem(refusal: ErrorResponse) -> Schema:
    status = refusal.status
    return named(
        "Problem",
        object_(
            {
                "title": text(http.HTTPStatus(status).phrase),
                "type": text(f"https://httpstatus.es/{status}", format="uri"),
                "status": integer(status, minimum=400, maximum=599),
                "detail": text(refusal.detail),
            }
        ),
    )


def _invalid() -> Schema:
    faults = {"validation-errors": array(SERVER_ERRORS, minItems=1)}
    whole_ = extended(_problem(INVALID), faults, optional=tuple(faults))
    return named("ValidationProblem", whole_)


def _oauth(refusal: ErrorResponse) -> Schema:
    more = {"hint": text("Check what was sent"), "type": text(OAUTH_KIND, format="uri")}
    return named("OAuthProblem", extended(_problem(refusal), more, optional=("hint",)))
