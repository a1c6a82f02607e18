"""Notes, and the events of opens."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from shortlinks.api.resources import fields
from shortlinks.models import NoteType


class OpenParams(Struct):
    url: Annotated[str, fields.example(fields.SOURCE_URL, "The source URL.")]
    text: (
        Annotated[
            str,
            fields.example(
                "Perhaps it was not a person.", "Only if the open is unsure: why."
            ),
        ]
        | UnsetType
    ) = UNSET


class TextParams(Struct, kw_only=True):
    service: Annotated[str, fields.example("shortlinks")] | UnsetType = UNSET
    text: Annotated[str, fields.example("Called back.")]


NoteParams = Annotated[
    Any,  # msgspec has no untagged unions of structs
    Meta(
        extra_json_schema={
            "oneOf": [
                {"$ref": "#/components/schemas/OpenParams"},
                {"$ref": "#/components/schemas/TextParams"},
            ]
        }
    ),
]


class Note(fields.Resource, kw_only=True):
    id: Annotated[int, fields.id_(fields.NOTE)]
    entity_id: fields.ContactId
    created_by: fields.IdOr0
    updated_by: fields.IdOr0
    created_at: fields.Timestamp
    updated_at: fields.Timestamp
    responsible_user_id: fields.UserIdOr0
    group_id: fields.IdOr0
    note_type: Annotated[str, fields.choice(NoteType.values, NoteType.LINK_FOLLOWED)]
    params: NoteParams
    certainty: fields.Certainty | None
    reason: fields.Reason | None
    explanation: fields.Explanation | None
    account_id: fields.AccountId
    links: Annotated[
        fields.SelfLinks,
        fields.self_link(f"/api/v4/contacts/{fields.CONTACT}/notes/{fields.NOTE}"),
    ]


class CreatedNote(fields.Resource, kw_only=True):
    id: Annotated[int, fields.id_(fields.NOTE + 1)]
    entity_id: fields.ContactId
    request_id: fields.RequestId
    links: Annotated[
        fields.SelfLinks,
        fields.self_link(f"/api/v4/contacts/{fields.CONTACT}/notes/{fields.NOTE + 1}"),
    ]


class NoteId(Struct):
    id: Annotated[int, fields.id_(fields.NOTE)]


class EventValue(Struct):
    note: NoteId


class EventEntity(fields.Resource):
    id: fields.ContactId
    links: Annotated[
        fields.SelfLinks, fields.self_link(f"/api/v4/contacts/{fields.CONTACT}")
    ]


class EventEmbedded(Struct):
    entity: EventEntity


class Event(fields.Resource, kw_only=True):
    """An event for each note of an open."""

    id: Annotated[str, fields.example(str(fields.NOTE), pattern="^[0-9]+$")]
    type: Literal["link_followed"]
    entity_id: fields.ContactId
    entity_type: Literal["contact"]
    created_by: Literal[0]
    created_at: fields.Timestamp
    value_after: list[EventValue]
    value_before: fields.Empty
    account_id: fields.AccountId
    links: Annotated[
        fields.SelfLinks, fields.self_link(f"/api/v4/events/{fields.NOTE}")
    ]
    embedded: EventEmbedded
