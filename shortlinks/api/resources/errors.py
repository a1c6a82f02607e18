"""Error bodies."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from shortlinks.api.resources import fields


class FieldError(Struct, frozen=True):
    """An error of one field."""

    code: Annotated[
        str, fields.example("FieldMissing", "See the table in docs/api.md.")
    ]
    path: Annotated[
        str, fields.example("metadata.entity_id", "Dotted, and relative to the item.")
    ]
    detail: Annotated[str, fields.example("This field is missing.")]


class ItemErrors(Struct, frozen=True):
    """All errors of one item of a batch."""

    request_id: fields.RequestId
    errors: Annotated[list[FieldError], Meta(min_length=1)]


Status = Annotated[int, fields.example(400, minimum=400, maximum=599)]
StatusType = Annotated[str, fields.example("https://httpstatus.es/400", format="uri")]


class Problem(Struct, kw_only=True):
    """An error (RFC 9457)."""

    title: Annotated[str, fields.example("Bad Request")]
    type: StatusType
    status: Status
    detail: Annotated[str, fields.example("The request is malformed.")]


class ValidationProblem(
    Struct, kw_only=True, rename={"validation_errors": "validation-errors"}
):
    """A malformed body, or invalid items."""

    validation_errors: Annotated[list[ItemErrors], Meta(min_length=1)] | UnsetType = (
        UNSET
    )
    title: Annotated[str, fields.example("Bad Request")]
    type: StatusType
    status: Status
    detail: Annotated[str, fields.example("Request validation failed")]


class OAuthProblem(Problem, kw_only=True):
    """An error of the token endpoint."""

    type: Annotated[
        str,
        fields.example(
            "https://developers.amocrm.ru/v3/errors/OAuthProblemJson", format="uri"
        ),
    ]
    hint: Annotated[str, fields.example("Check what was sent")]
