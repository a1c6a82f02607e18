"""The browsers that opened a contact's links."""

from shortlinks.api import pixels
from shortlinks.api.openapi import lists
from shortlinks.api.openapi.operations import (
    CONTACT,
    PIXEL,
    VISITOR_UID,
    Operation,
    SuccessResponse,
)
from shortlinks.api.openapi.schemas import (
    NO_NUL,
    choice,
    id_,
    named,
    nullable,
    object_,
    text,
    timestamp,
)
from shortlinks.models import AttachmentReview, Evidence, Scope

TAG = "Pixels"
PATH = "/api/v4/contacts/{entity_id}/pixels"
STANDING = choice(
    AttachmentReview.values,
    AttachmentReview.CONFIRMED,
    description="What a person said: the client's browser, or not. Empty: nothing.",
)
PIXEL_SCHEMA = named(
    "Pixel",
    object_(
        {
            "id": id_(PIXEL),
            "visitor_uid": text(VISITOR_UID),
            "evidence": choice(Evidence.values, Evidence.CLICK),
            "review": STANDING,
            "first_seen_at": timestamp(),
            "last_seen_at": timestamp(),
        }
    ),
)
UID = text(VISITOR_UID, pattern=NO_NUL, maxLength=26)
EXCHANGE = object_(
    {
        "click": text(
            "AmsxZwAAAAA",
            maxLength=2048,
            description="The `_sl` of the page's address.",
        ),
        "cookie": text(
            "",
            maxLength=2048,
            description="Instead of a click: the value of `__Secure-slpx`, where the"
            " short domain is under the site's own.",
        ),
        "user_agent": text(
            "Mozilla/5.0 …", maxLength=2048, description="The visitor's."
        ),
        "visitor_uid": UID,
    },
    optional=("click", "cookie", "visitor_uid"),
)
VISITOR = named("Visitor", object_({"visitor_uid": nullable(UID)}))
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
        body=object_({"review": STANDING}),
        answer=SuccessResponse("The browser.", PIXEL_SCHEMA),
    ),
    Operation(
        id="detach_pixel",
        tag=TAG,
        method="DELETE",
        path=f"{PATH}/{{pixel_id}}",
        scope=Scope.CONTACTS_WRITE,
        summary="Detach a browser from a contact",
        description="Another open by it attaches it again. Needs the right to edit.",
        answer=SuccessResponse("It is detached."),
    ),
    Operation(
        id="exchange_pixel",
        tag=TAG,
        method="POST",
        path="/api/v4/pixels/exchange",
        scope=Scope.PIXELS_WRITE,
        summary="The visitor's uid for a click, for servers of connected sites",
        description="A click is redeemed once, within 180 s, for the user agent that"
        " opened the link. One that is unknown, forged or expired is as none:"
        " `visitor_uid` is then what you sent, if we know it, or null.",
        body=EXCHANGE,
        answer=SuccessResponse("Who it is, or null.", VISITOR),
        conflicts=True,
    ),
)
