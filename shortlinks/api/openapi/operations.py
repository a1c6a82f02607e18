"""Operations of the OpenAPI document: parameters, request bodies and responses."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shortlinks.api import gates
from shortlinks.api.gates import CONTEXT_USER, Scopes
from shortlinks.api.openapi import problems
from shortlinks.api.openapi.problems import ErrorResponse
from shortlinks.api.openapi.schemas import Json, content, example, id_, text
from shortlinks.api.resources.fields import (
    CHAT,
    CONTACT,
    ERASURE,
    LINK,
    MERGE,
    NOTE,
    PIXEL,
    SUGGESTION,
    USER,
)

HAL = "application/hal+json"
JSON = "application/json"
NO_STORE = {"Cache-Control": {"required": True, "schema": {"const": "no-store"}}}
PATH_PARAMETERS = {
    "entity_id": id_(CONTACT, minimum=0, description="The contact's id in the CRM."),
    "link_id": id_(LINK, minimum=0, description="The link's id."),
    "note_id": id_(NOTE, minimum=0, description="The note's id."),
    "event_id": id_(NOTE, minimum=0, description="The event's id."),
    "pixel_id": id_(PIXEL, minimum=0, description="The pixel's id."),
    "chat_id": id_(CHAT, minimum=0, description="The chat's id."),
    "merge_id": id_(MERGE, minimum=0, description="The merge's id."),
    "suggestion_id": id_(SUGGESTION, minimum=0, description="The suggestion's id."),
    "erasure_id": id_(ERASURE, minimum=0, description="The erasure's id."),
    "user_id": id_(USER, minimum=0, description="The user's id."),
}
# Error statuses of all operations, of those with a token, and of those with a body.
COMMON_ERRORS = {400, 405, 414, 431, 500, 503}
TOKEN_ERRORS = {401, 403, 429}
BODY_ERRORS = {408, 413, 415, 429}


@dataclass(frozen=True, slots=True)
class SuccessResponse:
    """The response to a request that succeeds. Without a schema, its status is 204.

    `without_body` has the descriptions of other statuses whose responses have no body.
    """

    description: str
    schema: Json | None = None
    media_type: str = HAL
    headers: Json = field(default_factory=dict)
    status: int = 200
    without_body: Mapping[int, str] = field(default_factory=dict)

    def to_openapi(self) -> Json:
        if self.schema is None:
            return {"description": self.description}
        return {
            "description": self.description,
            **({"headers": self.headers} if self.headers else {}),
            "content": {self.media_type: content(self.schema)},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An operation of the API: a method of a path, its parameters and responses."""

    id: str
    route: str  # method and path
    summary: str
    response: SuccessResponse
    tag: str = ""  # by default, the TAG of the module
    scope: Scopes = None  # one of them
    description: str = ""
    parameters: Sequence[Json] = ()
    body: Json | None = None
    body_types: Sequence[str] = (JSON,)
    needs_token: bool = True
    may_return_409: bool = False
    may_return_404: bool = False  # a path with an id always may
    errors: Sequence[ErrorResponse] = ()
    has_error_responses: bool = True
    other_responses: Mapping[int, SuccessResponse] = field(default_factory=dict)

    @property
    def method(self) -> str:
        return self.route.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.route.partition(" ")[2]

    def to_openapi(self) -> Json:
        scopes = sorted(gates.accepted_scopes(self.scope), reverse=True)
        named = " or ".join(f"`{scope.value}`" for scope in scopes)
        paragraphs = [self.description, f"Scope: {named}." if named else ""]
        return {
            "operationId": self.id,
            "tags": [self.tag],
            "summary": self.summary,
            "description": "\n\n".join(filter(None, paragraphs)),
            "security": self._security([[scope.value] for scope in scopes]),
            "parameters": [*self._in_path(), *self.parameters, *self._in_headers()],
            **self._request_body(),
            "responses": {**self._success(), **self._errors()},
        }

    def _security(self, alternatives: Sequence[Sequence[str]]) -> list[Json]:
        if not self.needs_token:
            return []
        return [{"token": each} for each in alternatives or [[]]]

    def _in_path(self) -> list[Json]:
        names = re.findall(r"{(\w+)}", self.path)
        return [parameter(name, PATH_PARAMETERS[name], where="path") for name in names]

    def _in_headers(self) -> list[Json]:
        return [CONTEXT_USER_HEADER] if self.needs_token else []

    def _request_body(self) -> Json:
        if self.body is None:
            return {}
        media_types = dict.fromkeys(self.body_types, content(self.body))
        return {"requestBody": {"required": True, "content": media_types}}

    def _success(self) -> Json:
        status = self.response.status if self.response.schema else 204
        responses = {status: self.response, **self.other_responses}
        described = {
            other: {"description": description}
            for other, description in self.response.without_body.items()
        }
        described |= {code: each.to_openapi() for code, each in responses.items()}
        return {str(code): each for code, each in described.items()}

    def _errors(self) -> Json:
        if not self.has_error_responses:
            return {}
        statuses = COMMON_ERRORS | {error.status for error in self.errors}
        statuses |= TOKEN_ERRORS if self.needs_token else set()
        statuses |= BODY_ERRORS if self.body else set()
        statuses |= {404} if "{" in self.path or self.may_return_404 else set()
        statuses |= {409} if self.may_return_409 else set()
        invalid = [problems.INVALID] if self.body else []
        return problems.references(statuses, [*invalid, *self.errors])


def parameter(name: str, schema: Json, *, where: str = "query") -> Json:
    """Return a parameter. An array repeats it for each value: `name=1&name=2`."""
    published = {k: v for k, v in schema.items() if k != "description"}
    if where != "path":  # Swagger UI would fill in the example and filter by it
        published.pop("examples", None)
    described = "description" in schema
    return {
        "name": name,
        "in": where,
        "required": where == "path",
        **({"description": schema["description"]} if described else {}),
        "schema": published,
        **({"style": "form", "explode": True} if "items" in schema else {}),
        **({"example": example(schema)} if where == "path" else {}),
    }


CONTEXT_USER_HEADER = parameter(
    CONTEXT_USER,
    text(
        str(USER),
        pattern="^[0-9]{1,18}$",
        description="Only with an administrator's token: use this user's permissions.",
    ),
    where="header",
)
