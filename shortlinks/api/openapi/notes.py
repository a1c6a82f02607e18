"""Notes of contacts, and the events of opens."""

from shortlinks.api import events, notes, parsing
from shortlinks.api.openapi import lists
from shortlinks.api.openapi.operations import Operation, SuccessResponse
from shortlinks.api.openapi.schemas import (
    Json,
    batch,
    body,
    const,
    id_,
    one_or_many,
    reference,
    request_id,
    text,
)
from shortlinks.api.resources.fields import CONTACT, NO_NUL
from shortlinks.api.resources.notes import CreatedNote, Event, Note
from shortlinks.domain.contacts.common_notes import MAX_TEXT_LENGTH
from shortlinks.models import NoteType, Scope

TAG = "Notes and events"
ALL_NOTES = "/api/v4/contacts/notes"
NOTES_OF_CONTACT = "/api/v4/contacts/{entity_id}/notes"
EXAMPLE_PATH = f"/api/v4/contacts/{CONTACT}/notes"
EVENTS = "/api/v4/events"
NEW = {
    "note_type": const(NoteType.COMMON.value),
    "params": body(
        {"text": text("Called back.", maxLength=MAX_TEXT_LENGTH, pattern=NO_NUL)}
    ),
    "request_id": request_id("call-7", "Your id. The response contains it."),
}


def _body(fields: dict[str, Json]) -> Json:
    item = body(fields, optional=("request_id",))
    return one_or_many(item, maximum=parsing.MAX_ITEMS)


def _created(path: str) -> SuccessResponse:
    return SuccessResponse(
        "The notes, in the order of the request.", batch("notes", CreatedNote, path)
    )


WITHDRAWN = (
    "The note of an open is deleted if its opens turn out to be those of a program."
)
OPERATIONS = (
    Operation(
        id="list_notes",
        route=f"GET {ALL_NOTES}",
        scope=Scope.CONTACTS_READ,
        summary="List the notes of all contacts that you may view",
        description=WITHDRAWN,
        parameters=lists.parameters(notes.QUERY),
        response=lists.response("notes", Note, ALL_NOTES),
    ),
    Operation(
        id="create_notes",
        route=f"POST {ALL_NOTES}",
        scope=Scope.CONTACTS_WRITE,
        summary="Add notes to contacts",
        body=_body({"entity_id": id_(CONTACT), **NEW}),
        response=_created(ALL_NOTES),
    ),
    Operation(
        id="get_note",
        route=f"GET {ALL_NOTES}/{{note_id}}",
        scope=Scope.CONTACTS_READ,
        summary="Get one note by its id",
        response=SuccessResponse("The note.", reference(Note)),
    ),
    Operation(
        id="list_notes_of_contact",
        route=f"GET {NOTES_OF_CONTACT}",
        scope=Scope.CONTACTS_READ,
        summary="List the notes of one contact",
        description=WITHDRAWN,
        parameters=lists.parameters(notes.QUERY),
        response=lists.response("notes", Note, EXAMPLE_PATH),
    ),
    Operation(
        id="create_notes_on_contact",
        route=f"POST {NOTES_OF_CONTACT}",
        scope=Scope.CONTACTS_WRITE,
        summary="Add notes to one contact",
        body=_body(NEW),
        response=_created(EXAMPLE_PATH),
    ),
    Operation(
        id="get_note_of_contact",
        route=f"GET {NOTES_OF_CONTACT}/{{note_id}}",
        scope=Scope.CONTACTS_READ,
        summary="Get one note of one contact",
        response=SuccessResponse("The note.", reference(Note)),
    ),
    Operation(
        id="list_events",
        route=f"GET {EVENTS}",
        scope=Scope.CONTACTS_READ,
        summary="List the events of opened links, one for each note of an open",
        description=WITHDRAWN,
        parameters=lists.parameters(events.QUERY, max_limit=events.MAX_EVENTS),
        response=lists.response("events", Event, EVENTS),
    ),
    Operation(
        id="get_event",
        route=f"GET {EVENTS}/{{event_id}}",
        scope=Scope.CONTACTS_READ,
        summary="Get one event by its id",
        response=SuccessResponse("The event.", reference(Event)),
    ),
)
