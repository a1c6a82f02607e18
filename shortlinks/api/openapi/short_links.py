"""`/api/v4/short_links` and the visits of contacts."""

from shortlinks.api import links, parsing, visits
from shortlinks.api.openapi import lists
from shortlinks.api.openapi.operations import Operation, SuccessResponse
from shortlinks.api.openapi.schemas import (
    array,
    body,
    boolean,
    const,
    id_,
    object_,
    one_or_many,
    reference,
    request_id,
    text,
)
from shortlinks.api.resources.fields import CONTACT, MAX_TIMESTAMP, SOURCE_URL
from shortlinks.api.resources.links import (
    CreatedShortLink,
    ShortLink,
    Visit,
)
from shortlinks.models import Scope

TAG = "Short links"
PATH = "/api/v4/short_links"
LINK_REQUEST = body(
    {
        "url": text(
            SOURCE_URL, format="iri", maxLength=2048, pattern="^[Hh][Tt][Tt][Pp]"
        ),
        "metadata": body({"entity_type": const("contacts"), "entity_id": id_(CONTACT)}),
        "request_id": request_id("order-7", "Your id of the item, for errors."),
    },
    optional=("request_id",),
)
CREATED_LINKS = object_(
    {
        "_links": object_({"self": object_({"href": const(PATH)})}),
        "_embedded": object_({"short_links": array(reference(CreatedShortLink))}),
    }
)
CHANGE = body(
    {
        "is_disabled": boolean(value=False, description="true disables the link."),
        "expires_at": id_(
            1_826_000_000,
            maximum=MAX_TIMESTAMP,
            description="Unix seconds. null removes the expiry.",
        ),
    },
    optional=("is_disabled", "expires_at"),
)
OPERATIONS = (
    Operation(
        id="create_short_links",
        route=f"POST {PATH}",
        scope=Scope.LINKS_WRITE,
        summary="Create a short link for each contact and URL",
        description="Contacts that you may not view get no link and are left out"
        " silently. Therefore map the links by `metadata.entity_id`. The same request"
        " again returns the same links. The short URL is returned only in this"
        " response.",
        body=one_or_many(LINK_REQUEST, maximum=parsing.MAX_ITEMS),
        response=SuccessResponse(
            "The links, in the order of the request.", CREATED_LINKS
        ),
    ),
    Operation(
        id="list_short_links",
        route=f"GET {PATH}",
        scope=Scope.LINKS_READ,
        summary="List the links of the contacts that you may view",
        parameters=lists.parameters(links.QUERY),
        response=lists.response("short_links", ShortLink, PATH),
    ),
    Operation(
        id="get_short_link",
        route=f"GET {PATH}/{{link_id}}",
        scope=Scope.LINKS_READ,
        summary="Get one link",
        response=SuccessResponse("The link.", reference(ShortLink)),
    ),
    Operation(
        id="change_short_link",
        route=f"PATCH {PATH}/{{link_id}}",
        scope=Scope.LINKS_WRITE,
        summary="Disable a link, enable it, or set its expiry",
        description="Fields that you do not send are not changed. You need permission"
        " to edit the contact.",
        body=CHANGE,
        response=SuccessResponse("The changed link.", reference(ShortLink)),
        may_return_409=True,
    ),
    Operation(
        id="list_visits",
        route="GET /api/v4/contacts/{entity_id}/visits",
        scope=Scope.VISITS_READ,
        summary="List all visits of a contact's links, by people and programs",
        parameters=lists.parameters(visits.QUERY),
        response=lists.response("visits", Visit, f"/api/v4/contacts/{CONTACT}/visits"),
    ),
)
