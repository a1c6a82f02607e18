"""The browsers that opened a contact's links."""

from shortlinks.api import pixels
from shortlinks.api.openapi import lists
from shortlinks.api.openapi.operations import (
    CONTACT,
    PIXEL,
    VISITOR_UID,
    Answer,
    Operation,
)
from shortlinks.api.openapi.schemas import choice, id_, moment, named, record, text
from shortlinks.models import Evidence, Scope, Standing

TAG = "Pixels"
PATH = "/api/v4/contacts/{entity_id}/pixels"
STANDING = choice(
    Standing.values,
    Standing.VOUCHED,
    description="What a person said: the client's browser, or not. Empty: nothing.",
)
PIXEL_SCHEMA = named(
    "Pixel",
    record(
        {
            "id": id_(PIXEL),
            "visitor_uid": text(VISITOR_UID),
            "evidence": choice(Evidence.values, Evidence.CLICK),
            "standing": STANDING,
            "first_seen_at": moment(),
            "last_seen_at": moment(),
        }
    ),
)
OPERATIONS = (
    Operation(
        id="list_pixels",
        tag=TAG,
        method="GET",
        path=PATH,
        scope=Scope.CONTACTS_READ,
        summary="The browsers that opened a contact's links",
        parameters=lists.parameters(pixels.QUERY),
        answer=lists.answer(
            "pixels", PIXEL_SCHEMA, f"/api/v4/contacts/{CONTACT}/pixels"
        ),
    ),
    Operation(
        id="vouch_for_pixel",
        tag=TAG,
        method="PATCH",
        path=f"{PATH}/{{pixel_id}}",
        scope=Scope.CONTACTS_WRITE,
        summary="Say that a browser is the client's, or that it is not",
        description="The rules of merging heed it. Needs the right to edit.",
        body=record({"standing": STANDING}),
        answer=Answer("The browser.", PIXEL_SCHEMA),
    ),
    Operation(
        id="detach_pixel",
        tag=TAG,
        method="DELETE",
        path=f"{PATH}/{{pixel_id}}",
        scope=Scope.CONTACTS_WRITE,
        summary="Detach a browser from a contact",
        description="Another open by it attaches it again. Needs the right to edit.",
        answer=Answer("It is detached."),
    ),
)
