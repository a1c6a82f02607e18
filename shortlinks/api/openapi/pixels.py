"""The browsers that opened a contact's links."""

from shortlinks.api import pixels
from shortlinks.api.openapi import lists
from shortlinks.api.openapi.operations import CONTACT, PIXEL, Answer, Operation
from shortlinks.api.openapi.schemas import choice, id_, moment, named, record, text
from shortlinks.models import Evidence, Scope

TAG = "Pixels"
PATH = "/api/v4/contacts/{entity_id}/pixels"
PIXEL_SCHEMA = named(
    "Pixel",
    record(
        {
            "id": id_(PIXEL),
            "visitor_uid": text("5Kd3NBUAdUnhyzenEwVLy0b7Qx"),
            "evidence": choice(Evidence.values, Evidence.CLICK),
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
