"""Chats, and which browsers write in them."""

from shortlinks.api import chats
from shortlinks.api.openapi import lists
from shortlinks.api.openapi.operations import (
    ACCOUNT,
    CHAT,
    CONTACT,
    VISITOR_UID,
    Operation,
    SuccessResponse,
)
from shortlinks.api.openapi.schemas import (
    boolean,
    choice,
    extended,
    id_,
    integer,
    links,
    named,
    nullable,
    object_,
    text,
    timestamp,
)
from shortlinks.domain.merging.chats import (
    MAX_ID_LENGTH,
    MAX_SOURCE_LENGTH,
    MAX_TITLE_LENGTH,
)
from shortlinks.models import MergeRule, Scope

TAG = "Chats"
PATH = "/api/v4/chats"
UID = text(VISITOR_UID, pattern="^[a-z2-7]{26}$", description="Of the browser.")
CHAT_SCHEMA = named(
    "Chat",
    object_(
        {
            "id": id_(CHAT),
            "source": text("site"),
            "external_id": text("visitor-42"),
            "title": text("Anna"),
            "visitor_uid": nullable(UID),
            "entity_id": id_(CONTACT, description="Whose it is, after all merges."),
            "is_anonymous": boolean(
                example=False, description="Nobody knows who it is."
            ),
            "created_at": timestamp(),
            "updated_at": timestamp(),
            "account_id": id_(ACCOUNT),
            "_links": links(f"{PATH}/{CHAT}"),
        }
    ),
)
DECISION = object_(
    {
        "merged": boolean(example=True, description="The chat joined a known contact."),
        "suggested": integer(0, minimum=0, description="New or open suggestions."),
        "rule": nullable(choice(MergeRule.values, MergeRule.CHAT)),
        "reason": nullable(
            text("the chat names no browser", description="Of nothing.")
        ),
    }
)
DECIDED = named("DecidedChat", extended(CHAT_SCHEMA, {"decision": DECISION}))
NEW_CHAT = object_(
    {
        "source": text("site", minLength=1, maxLength=MAX_SOURCE_LENGTH),
        "external_id": text("visitor-42", minLength=1, maxLength=MAX_ID_LENGTH),
        "title": text("Anna", maxLength=MAX_TITLE_LENGTH),
        "visitor_uid": UID,
        "entity_id": id_(CONTACT, description="Whose chat it is, if you know."),
        "request_id": text("chat-1", description="Yours; names the item in errors."),
    },
    optional=("title", "visitor_uid", "entity_id", "request_id"),
)
OPERATIONS = (
    Operation(
        id="report_chat",
        tag=TAG,
        method="POST",
        path=PATH,
        scope=Scope.CHATS_WRITE,
        summary="Report a chat, or what is new of it",
        description="One chat; `source` and `external_id` name it, so the same again"
        " is the same chat. Without `entity_id` it gets an anonymous contact. With a"
        " `visitor_uid` the rules of merging are followed at once.",
        body=NEW_CHAT,
        answer=SuccessResponse("The chat, and what was decided.", DECIDED),
        conflicts=True,
    ),
    Operation(
        id="list_chats",
        tag=TAG,
        method="GET",
        path=PATH,
        scope=Scope.CONTACTS_READ,
        summary="Chats of the contacts that you may view",
        parameters=lists.parameters(chats.QUERY),
        answer=lists.answer("chats", CHAT_SCHEMA, PATH),
    ),
    Operation(
        id="get_chat",
        tag=TAG,
        method="GET",
        path=f"{PATH}/{{chat_id}}",
        scope=Scope.CONTACTS_READ,
        summary="One chat",
        answer=SuccessResponse("The chat.", CHAT_SCHEMA),
    ),
    Operation(
        id="name_chat_visitor",
        tag=TAG,
        method="POST",
        path=f"{PATH}/{{chat_id}}/visitor",
        scope=Scope.CHATS_WRITE,
        summary="Say which browser writes in a chat",
        description="What follows is decided at once.",
        body=object_({"visitor_uid": UID}),
        answer=SuccessResponse("The chat, and what was decided.", DECIDED),
    ),
)
