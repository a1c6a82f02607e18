"""Notes, and the events of opens."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from shortlinks.api.resources.base import Resource, SelfLinks
from shortlinks.api.resources.field_types import (
    CONTACT,
    NOTE,
    SOURCE_URL,
    AccountId,
    ContactId,
    Empty,
    GroupIdOr0,
    NobodyId,
    RequestId,
    Timestamp,
    UserIdOr0,
    choice,
    example,
    id_,
    self_link,
)
from shortlinks.models import NoteType


class OpenParams(Struct):
    url: Annotated[str, example(SOURCE_URL, "The source URL.")]


class TextParams(Struct, kw_only=True):
    service: Annotated[str, example("shortlinks")] | UnsetType = UNSET
    text: Annotated[str, example("Called back.")]


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


class Note(Resource, kw_only=True):
    id: Annotated[int, id_(NOTE)]
    entity_id: ContactId
    created_by: NobodyId
    updated_by: NobodyId
    created_at: Timestamp
    updated_at: Timestamp
    responsible_user_id: UserIdOr0
    group_id: GroupIdOr0
    note_type: Annotated[str, choice(NoteType.values, NoteType.LINK_FOLLOWED)]
    params: NoteParams
    account_id: AccountId
    links: Annotated[SelfLinks, self_link(f"/api/v4/contacts/{CONTACT}/notes/{NOTE}")]


class CreatedNote(Resource, kw_only=True):
    id: Annotated[int, id_(NOTE + 1)]
    entity_id: ContactId
    request_id: RequestId
    links: Annotated[
        SelfLinks, self_link(f"/api/v4/contacts/{CONTACT}/notes/{NOTE + 1}")
    ]


class NoteId(Struct):
    id: Annotated[int, id_(NOTE)]


class EventValue(Struct):
    note: NoteId


class EventEntity(Resource):
    id: ContactId
    links: Annotated[SelfLinks, self_link(f"/api/v4/contacts/{CONTACT}")]


class EventEmbedded(Struct):
    entity: EventEntity


class Event(Resource, kw_only=True):
    """An event for each note of an open."""

    id: Annotated[str, example(str(NOTE), pattern="^[0-9]+$")]
    type: Literal["link_followed"]
    entity_id: ContactId
    entity_type: Literal["contact"]
    created_by: Literal[0]
    created_at: Timestamp
    value_after: list[EventValue]
    value_before: Empty
    account_id: AccountId
    links: Annotated[SelfLinks, self_link(f"/api/v4/events/{NOTE}")]
    embedded: EventEmbedded
