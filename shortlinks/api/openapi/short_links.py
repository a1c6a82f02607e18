"""`/api/v4/short_links` and the visits of contacts."""

from shortlinks.api import filters, links, parsing, visits
from shortlinks.api.openapi import lists
from shortlinks.api.openapi.operations import (
    ACCOUNT,
    CONTACT,
    LINK,
    Operation,
    SuccessResponse,
)
from shortlinks.api.openapi.schemas import (
    array,
    boolean,
    choice,
    const,
    id_,
    integer,
    named,
    nullable,
    object_,
    one_or_many,
    text,
    timestamp,
)
from shortlinks.api.openapi.schemas import links as links_to
from shortlinks.models import Scope, Verdict

TAG = "Short links"
PATH = "/api/v4/short_links"
URL = "https://www.yandex.ru"
METADATA = named(
    "LinkMetadata",
    object_({"entity_type": const("contacts"), "entity_id": id_(CONTACT)}),
)
ORDER = object_(
    {
        "url": text(URL, format="iri", maxLength=2048, pattern="^[Hh][Tt][Tt][Pp]"),
        "metadata": METADATA,
        "request_id": text("order-7", description="Yours; names the item in errors."),
    },
    optional=("request_id",),
)
CREATED = named(
    "CreatedShortLink",
    object_(
        {
            "url": text("https://go.example.com/XXXXXXXXXXXX", format="uri"),
            "account_id": id_(ACCOUNT),
            "metadata": METADATA,
        }
    ),
)
CREATED_LINKS = object_(
    {
        "_links": object_({"self": object_({"href": const(PATH)})}),
        "_embedded": object_({"short_links": array(CREATED)}),
    }
)
SHORT_LINK = named(
    "ShortLink",
    object_(
        {
            "id": id_(LINK),
            "url": text(URL, format="iri", description="As the integration gave it."),
            "account_id": id_(ACCOUNT),
            "metadata": METADATA,
            "state": choice([links.LIVE, links.DISABLED, links.EXPIRED], links.LIVE),
            "opens": integer(1, minimum=0, description="By people."),
            "last_opened_at": nullable(timestamp()),
            "created_at": timestamp(1_794_990_000),
            "disabled_at": nullable(timestamp()),
            "expires_at": nullable(timestamp(1_826_000_000)),
            "_links": links_to(f"{PATH}/{LINK}"),
        }
    ),
)
CHANGE = object_(
    {
        "is_disabled": nullable(
            boolean(example=False, description="true ends the link.")
        ),
        "expires_at": nullable(id_(1_826_000_000, maximum=filters.LATEST)),
    },
    optional=("is_disabled", "expires_at"),
)
VISIT = named(
    "Visit",
    object_(
        {
            "id": text("019a8f6e-2f4d-7c31-9c0e-5b1f6a1d2c3e", format="uuid"),
            "link_id": id_(LINK),
            "url": text(URL, format="iri"),
            "occurred_at": timestamp(),
            "verdict": choice(Verdict.values, Verdict.PERSON),
            "reason": text("browser", description="Why: a word for support."),
            "method": choice(["GET", "HEAD"], "GET"),
            "user_agent": text("Mozilla/5.0 (Windows NT 10.0; Win64; x64)"),
            "referer": text(""),
            "address": text("192.0.2.0", description="Masked as the account says."),
        }
    ),
)
OPERATIONS = (
    Operation(
        id="create_short_links",
        tag=TAG,
        method="POST",
        path=PATH,
        scope=Scope.LINKS_WRITE,
        summary="Order a short link for each contact and url",
        description="Contacts that you may not view get no link and are left out"
        " silently, so map by `metadata.entity_id`. The same order again answers with"
        " the same link. This answer alone tells the short url.",
        body=one_or_many(ORDER, most=parsing.MAX_ITEMS),
        answer=SuccessResponse(
            "The links, in the order of the request.", CREATED_LINKS
        ),
    ),
    Operation(
        id="list_short_links",
        tag=TAG,
        method="GET",
        path=PATH,
        scope=Scope.LINKS_READ,
        summary="Links of the contacts that you may view",
        parameters=lists.parameters(links.QUERY),
        answer=lists.answer("short_links", SHORT_LINK, PATH),
    ),
    Operation(
        id="get_short_link",
        tag=TAG,
        method="GET",
        path=f"{PATH}/{{link_id}}",
        scope=Scope.LINKS_READ,
        summary="One link, by its id",
        answer=SuccessResponse("The link.", SHORT_LINK),
    ),
    Operation(
        id="change_short_link",
        tag=TAG,
        method="PATCH",
        path=f"{PATH}/{{link_id}}",
        scope=Scope.LINKS_WRITE,
        summary="End a link, revive it, or set its end",
        description="What is not named stays. Needs the right to edit the contact.",
        body=CHANGE,
        answer=SuccessResponse("The link, changed.", SHORT_LINK),
        conflicts=True,
    ),
    Operation(
        id="list_visits",
        tag=TAG,
        method="GET",
        path="/api/v4/contacts/{entity_id}/visits",
        scope=Scope.VISITS_READ,
        summary="Who came by a contact's links, people and machines",
        parameters=lists.parameters(visits.QUERY),
        answer=lists.answer("visits", VISIT, f"/api/v4/contacts/{CONTACT}/visits"),
    ),
)
