"""Error bodies."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from shortlinks.api.resources.field_types import RequestId, example


class FieldError(Struct, frozen=True):
    """An error of one field."""

    code: Annotated[str, example("FieldMissing", "See the table in docs/api.md.")]
    path: Annotated[
        str, example("metadata.entity_id", "Dotted, and relative to the item.")
    ]
    detail: Annotated[str, example("This field is missing.")]


class ItemErrors(Struct, frozen=True):
    """All errors of one item of a batch."""

    request_id: RequestId
    errors: Annotated[list[FieldError], Meta(min_length=1)]


Status = Annotated[int, example(400, minimum=400, maximum=599)]
StatusType = Annotated[str, example("https://httpstatus.es/400", format="uri")]


class Problem(Struct, kw_only=True):
    """An error (RFC 9457)."""

    title: Annotated[str, example("Bad Request")]
    type: StatusType
    status: Status
    detail: Annotated[str, example("The request is malformed.")]


class ValidationProblem(
    Struct, kw_only=True, rename={"validation_errors": "validation-errors"}
):
    """A malformed body, or invalid items."""

    validation_errors: Annotated[list[ItemErrors], Meta(min_length=1)] | UnsetType = (
        UNSET
    )
    title: Annotated[str, example("Bad Request")]
    type: StatusType
    status: Status
    detail: Annotated[str, example("Request validation failed")]


class OAuthProblem(Problem, kw_only=True):
    """An error of the token endpoint."""

    type: Annotated[
        str,
        example(
            "https://developers.amocrm.ru/v3/errors/OAuthProblemJson", format="uri"
        ),
    ]
    hint: Annotated[str, example("Check what was sent")] | UnsetType = UNSET
