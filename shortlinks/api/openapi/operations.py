"""One operation of the document: what is asked, and all that may be answered."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shortlinks.api.authentication import CONTEXT_USER
from shortlinks.api.openapi import problems
from shortlinks.api.openapi.problems import ErrorResponse
from shortlinks.api.openapi.schemas import (
    Components,
    Json,
    Schema,
    content,
    id_,
    text,
)
from shortlinks.models import Scope

HAL = "application/hal+json"
JSON = "application/json"
NO_STORE = {"Cache-Control": {"required": True, "schema": {"const": "no-store"}}}
# Ids of the examples; each address names one of what it is about.
CONTACT, LINK, NOTE, USER, ACCOUNT = 11070881, 7042564, 7422564, 504141, 123
OTHER, CHAT, MERGE, SUGGESTION = 11070899, 7000412, 7000513, 7000614
VISITOR_UID = "mzxw6ytboi4dsmbqgeztinjwg4"
PIXEL, WEBHOOK = 7000311, 7000512
IN_PATHS = {
    "entity_id": id_(CONTACT, minimum=0, description="The contact's id in the CRM."),
    "link_id": id_(LINK, minimum=0, description="The link's id."),
    "note_id": id_(NOTE, minimum=0, description="The note's id."),
    "event_id": id_(NOTE, minimum=0, description="The event's id."),
    "pixel_id": id_(PIXEL, minimum=0, description="The pixel's id."),
    "chat_id": id_(CHAT, minimum=0, description="The chat's id."),
    "merge_id": id_(MERGE, minimum=0, description="The merge's id."),
    "suggestion_id": id_(SUGGESTION, minimum=0, description="The suggestion's id."),
    "user_id": id_(USER, minimum=0, description="The user's id."),
}
ALWAYS = {400, 405, 431, 500, 503}
WITH_TOKEN = {401, 403, 429}
WITH_BODY = {413, 415}


@dataclass(frozen=True, slots=True)
class SuccessResponse:
    """The answer when all went well: of `status`, or 204 if it has no schema.

    `without_body` says when it has another status.
    """

    description: str
    schema: Schema | None = None
    media_type: str = HAL
    headers: Json = field(default_factory=dict)
    status: int = 200
    without_body: Mapping[int, str] = field(default_factory=dict)

    def rendered(self, components: Components) -> Json:
        if self.schema is None:
            return {"description": self.description}
        return {
            "description": self.description,
            **({"headers": self.headers} if self.headers else {}),
            "content": {self.media_type: content(self.schema, components)},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A method of an address."""

    id: str
    tag: str
    method: str
    path: str
    summary: str
    answer: SuccessResponse
    scope: Scope | None = None
    description: str = ""
    parameters: Sequence[Json] = ()
    body: Schema | None = None
    body_types: Sequence[str] = (JSON,)
    needs_token: bool = True
    conflicts: bool = False
    may_be_missing: bool = False  # though the address names nothing
    refusals: Sequence[ErrorResponse] = ()
    has_problems: bool = True
    also: Mapping[int, SuccessResponse] = field(default_factory=dict)

    def rendered(self, components: Components) -> Json:
        body = {} if self.body is None else {"requestBody": self._body(components)}
        scopes = [self.scope.value] if self.scope else []
        words = [self.description, *(f"Scope: `{scope}`." for scope in scopes)]
        return {
            "operationId": self.id,
            "tags": [self.tag],
            "summary": self.summary,
            "description": "\n\n".join(filter(None, words)),
            "security": [{"token": scopes}] if self.needs_token else [],
            "parameters": [*self._in_path(), *self.parameters, *self._in_headers()],
            **body,
            "responses": {**self._answers(components), **self._refusals()},
        }

    def _in_path(self) -> list[Json]:
        names = re.findall(r"{(\w+)}", self.path)
        return [parameter(name, IN_PATHS[name], where="path") for name in names]

    def _in_headers(self) -> list[Json]:
        return [CONTEXT_USER_HEADER] if self.needs_token else []

    def _body(self, components: Components) -> Json:
        assert self.body is not None  # noqa: S101  asked for by `rendered` alone
        shown = content(self.body, components)
        return {"required": True, "content": dict.fromkeys(self.body_types, shown)}

    def _answers(self, components: Components) -> Json:
        status = self.answer.status if self.answer.schema else 204
        answers = {status: self.answer, **self.also}
        shown = {str(k): each.rendered(components) for k, each in answers.items()}
        bare = self.answer.without_body.items()
        return {**shown, **{str(k): {"description": words} for k, words in bare}}

    def _refusals(self) -> Json:
        if not self.has_problems:
            return {}
        statuses = ALWAYS | {refusal.status for refusal in self.refusals}
        statuses |= WITH_TOKEN if self.needs_token else set()
        statuses |= WITH_BODY if self.body else set()
        statuses |= {404} if "{" in self.path or self.may_be_missing else set()
        statuses |= {409} if self.conflicts else set()
        invalid = [problems.INVALID] if self.body else []
        return problems.references(statuses, [*invalid, *self.refusals])


def parameter(name: str, schema: Schema, *, where: str = "query") -> Json:
    """An array's values each come with the name anew, as PHP's do."""
    shown = schema.published({})
    if where != "path":  # pages would put it into every field, and filter by it
        shown = {key: value for key, value in shown.items() if key != "examples"}
    is_array = schema.items is not None
    return {
        "name": name,
        "in": where,
        "required": where == "path",
        **({"description": d} if (d := shown.pop("description", "")) else {}),
        "schema": shown,
        **({"style": "form", "explode": True} if is_array else {}),
        **({"example": schema.example} if where == "path" else {}),
    }


CONTEXT_USER_HEADER = parameter(
    CONTEXT_USER,
    text(
        str(USER),
        pattern="^[0-9]{1,18}$",
        description="On an administrator's token: act with the rights of this user.",
    ),
    where="header",
)
