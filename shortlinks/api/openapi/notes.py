"""Notes of contacts, and the events of opens."""

from shortlinks.api import events, notes, parsing
from shortlinks.api.openapi import lists
from shortlinks.api.openapi.operations import (
    ACCOUNT,
    CONTACT,
    NOTE,
    USER,
    Operation,
    SuccessResponse,
)
from shortlinks.api.openapi.schemas import (
    NO_NUL,
    Schema,
    array,
    choice,
    const,
    id_,
    id_or_0,
    links,
    named,
    nullable,
    object_,
    one_or_many,
    text,
    timestamp,
)
from shortlinks.domain.contacts.common_notes import MAX_TEXT_LENGTH
from shortlinks.models import NoteType, Scope

TAG = "Notes and events"
OF_ALL = "/api/v4/contacts/notes"
OF_ONE = "/api/v4/contacts/{entity_id}/notes"
EVENTS = "/api/v4/events"
NOTE_PATH = f"/api/v4/contacts/{CONTACT}/notes/{NOTE}"
EVENT_PATH = f"{EVENTS}/{NOTE}"

OPENED = object_({"url": text("https://www.yandex.ru", description="The source url.")})
WRITTEN = object_(
    {"text": text("Called back."), "service": text("shortlinks")}, optional=("service",)
)
NOTE_SCHEMA = named(
    "Note",
    object_(
        {
            "id": id_(NOTE),
            "entity_id": id_(CONTACT),
            "created_by": id_or_0(0),
            "updated_by": id_or_0(0),
            "created_at": timestamp(),
            "updated_at": timestamp(),
            "responsible_user_id": id_or_0(USER),
            "group_id": id_or_0(0),
            "note_type": choice(NoteType.values, NoteType.LINK_FOLLOWED),
            "params": Schema({}, OPENED.example, either=(OPENED, WRITTEN)),
            "account_id": id_(ACCOUNT),
            "_links": links(NOTE_PATH),
        }
    ),
)
NEW = {
    "note_type": const(NoteType.COMMON.value),
    "params": object_(
        {"text": text("Called back.", maxLength=MAX_TEXT_LENGTH, pattern=NO_NUL)}
    ),
    "request_id": nullable(text("call-7", description="Yours; comes back.")),
}
NEW_OF_ALL = {"entity_id": id_(CONTACT), **NEW}
CREATED = named(
    "CreatedNote",
    object_(
        {
            "id": id_(NOTE + 1),
            "entity_id": id_(CONTACT),
            "request_id": text("0", description="The item's own, else its index."),
            "_links": links(f"/api/v4/contacts/{CONTACT}/notes/{NOTE + 1}"),
        }
    ),
)
EVENT = named(
    "Event",
    object_(
        {
            "id": text(str(NOTE), pattern="^[0-9]+$"),
            "type": const(NoteType.LINK_FOLLOWED.value),
            "entity_id": id_(CONTACT),
            "entity_type": const(events.ENTITY),
            "created_by": const(0),
            "created_at": timestamp(),
            "value_after": array(object_({"note": object_({"id": id_(NOTE)})})),
            "value_before": Schema({"type": "array", "maxItems": 0}, []),
            "account_id": id_(ACCOUNT),
            "_links": links(EVENT_PATH),
            "_embedded": object_(
                {
                    "entity": object_(
                        {
                            "id": id_(CONTACT),
                            "_links": links(f"/api/v4/contacts/{CONTACT}"),
                        }
                    )
                }
            ),
        }
    ),
)


def _body(fields: dict[str, Schema]) -> Schema:
    item = object_(fields, optional=("request_id",))
    return one_or_many(item, most=parsing.MAX_ITEMS)


def _created(path: str) -> SuccessResponse:
    embedded = object_({"notes": array(CREATED, minItems=1)})
    answer = object_({"_links": links(path), "_embedded": embedded})
    return SuccessResponse("The notes, in the order of the request.", answer)


WITHDRAWN = (
    "A note of an open may be withdrawn when its opens turn out to be a scanner's."
)
OPERATIONS = (
    Operation(
        id="list_notes",
        tag=TAG,
        method="GET",
        path=OF_ALL,
        scope=Scope.CONTACTS_READ,
        summary="Notes of all contacts that you may view",
        description=WITHDRAWN,
        parameters=lists.parameters(notes.QUERY),
        answer=lists.answer("notes", NOTE_SCHEMA, OF_ALL),
    ),
    Operation(
        id="create_notes",
        tag=TAG,
        method="POST",
        path=OF_ALL,
        scope=Scope.CONTACTS_WRITE,
        summary="Write notes on contacts",
        body=_body(NEW_OF_ALL),
        answer=_created(OF_ALL),
    ),
    Operation(
        id="get_note",
        tag=TAG,
        method="GET",
        path=f"{OF_ALL}/{{note_id}}",
        scope=Scope.CONTACTS_READ,
        summary="One note, by its id",
        answer=SuccessResponse("The note.", NOTE_SCHEMA),
    ),
    Operation(
        id="list_notes_of_contact",
        tag=TAG,
        method="GET",
        path=OF_ONE,
        scope=Scope.CONTACTS_READ,
        summary="Notes of one contact",
        description=WITHDRAWN,
        parameters=lists.parameters(notes.QUERY),
        answer=lists.answer("notes", NOTE_SCHEMA, f"/api/v4/contacts/{CONTACT}/notes"),
    ),
    Operation(
        id="create_notes_on_contact",
        tag=TAG,
        method="POST",
        path=OF_ONE,
        scope=Scope.CONTACTS_WRITE,
        summary="Write notes on one contact",
        body=_body(NEW),
        answer=_created(f"/api/v4/contacts/{CONTACT}/notes"),
    ),
    Operation(
        id="get_note_of_contact",
        tag=TAG,
        method="GET",
        path=f"{OF_ONE}/{{note_id}}",
        scope=Scope.CONTACTS_READ,
        summary="One note of one contact",
        answer=SuccessResponse("The note.", NOTE_SCHEMA),
    ),
    Operation(
        id="list_events",
        tag=TAG,
        method="GET",
        path=EVENTS,
        scope=Scope.CONTACTS_READ,
        summary="That links were opened: an event for each note of an open",
        description=WITHDRAWN,
        parameters=lists.parameters(events.QUERY, most=events.MAX_EVENTS),
        answer=lists.answer("events", EVENT, EVENTS),
    ),
    Operation(
        id="get_event",
        tag=TAG,
        method="GET",
        path=f"{EVENTS}/{{event_id}}",
        scope=Scope.CONTACTS_READ,
        summary="One event, by its id",
        answer=SuccessResponse("The event.", EVENT),
    ),
)
