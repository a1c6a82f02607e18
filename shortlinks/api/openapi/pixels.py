"""The browsers that opened a contact's links."""

from shortlinks.api import pixels
from shortlinks.api.openapi import lists
from shortlinks.api.openapi.operations import Operation, SuccessResponse
from shortlinks.api.openapi.schemas import body, choice, reference, text
from shortlinks.api.resources.fields import CONTACT, NO_NUL, VISITOR_UID
from shortlinks.api.resources.pixels import Pixel, Visitor
from shortlinks.models import AttachmentReview, Scope

TAG = "Pixels"
PATH = "/api/v4/contacts/{entity_id}/pixels"
REVIEW = choice(
    AttachmentReview.values,
    AttachmentReview.CONFIRMED,
    description="Your decision: is this the client's browser?",
)
EXCHANGE = body(
    {
        "click": text(
            "AmsxZwAAAAA",
            maxLength=2048,
            description="The value of `_sl` in the page's address.",
        ),
        "cookie": text(
            "",
            maxLength=2048,
            description="Instead of a click: the value of the cookie `__Secure-slpx`,"
            " if the short domain is a subdomain of the site's domain.",
        ),
        "user_agent": text(
            "Mozilla/5.0 …", maxLength=2048, description="The visitor's user agent."
        ),
        "address": text(
            "203.0.113.9",
            maxLength=64,
            description="The visitor's IP address. Without it, or if it is not the"
            " click's, chats of this page are never merged without a user.",
        ),
        "visitor_uid": text(VISITOR_UID, pattern=NO_NUL, maxLength=26),
    },
    optional=("click", "cookie", "address", "visitor_uid"),
)
OPERATIONS = (
    Operation(
        id="list_pixels",
        route=f"GET {PATH}",
        scope=Scope.CONTACTS_READ,
        summary="List the browsers that opened a contact's links",
        parameters=lists.parameters(pixels.QUERY),
        response=lists.response("pixels", Pixel, f"/api/v4/contacts/{CONTACT}/pixels"),
    ),
    Operation(
        id="review_pixel",
        route=f"PATCH {PATH}/{{pixel_id}}",
        scope=Scope.CONTACTS_WRITE,
        summary="Confirm or reject a browser as the client's",
        description="The merge rules use the decision. You need permission to edit the"
        " contact.",
        body=body({"review": REVIEW}),
        response=SuccessResponse("The browser.", reference(Pixel)),
    ),
    Operation(
        id="detach_pixel",
        route=f"DELETE {PATH}/{{pixel_id}}",
        scope=Scope.CONTACTS_WRITE,
        summary="Detach a browser from a contact",
        description="Its next open attaches it again. You need permission to edit the"
        " contact.",
        response=SuccessResponse("The browser is detached."),
    ),
    Operation(
        id="exchange_pixel",
        route="POST /api/v4/pixels/exchange",
        scope=Scope.PIXELS_WRITE,
        summary="Exchange a click for the visitor's uid, on a connected site's server",
        description="A click can be exchanged once, within 180 seconds, with the user"
        " agent that opened the link. An unknown, forged or expired click counts as no"
        " click: `visitor_uid` is then the one that you sent, if it exists, or null.",
        body=EXCHANGE,
        response=SuccessResponse("The visitor's uid, or null.", reference(Visitor)),
        may_return_409=True,
    ),
)
