"""Chats, and the browsers of their visitors."""

from shortlinks.api import chats
from shortlinks.api.openapi import lists
from shortlinks.api.openapi.operations import Operation, SuccessResponse
from shortlinks.api.openapi.schemas import body, id_, reference, request_id, text
from shortlinks.api.resources.fields import CONTACT, VISITOR_UID
from shortlinks.api.resources.pixels import Chat, DecidedChat
from shortlinks.domain.merging.chats import (
    MAX_ID_LENGTH,
    MAX_SOURCE_LENGTH,
    MAX_TITLE_LENGTH,
)
from shortlinks.models import Scope

TAG = "Chats"
PATH = "/api/v4/chats"
UID = text(VISITOR_UID, pattern="^[a-z2-7]{26}$", description="The browser's id.")
UID_OR_EMPTY = {**UID, "pattern": "^([a-z2-7]{26})?$"}
NEW_CHAT = body(
    {
        "source": text("site", minLength=1, maxLength=MAX_SOURCE_LENGTH),
        "external_id": text("visitor-42", minLength=1, maxLength=MAX_ID_LENGTH),
        "title": text("Anna", maxLength=MAX_TITLE_LENGTH),
        "visitor_uid": UID_OR_EMPTY,
        "entity_id": id_(CONTACT, description="The chat's contact, if you know it."),
        "request_id": request_id("chat-1", "Your id of the item, for errors."),
    },
    optional=("title", "visitor_uid", "entity_id", "request_id"),
)
DECIDED = SuccessResponse("The chat and the decision.", reference(DecidedChat))
OPERATIONS = (
    Operation(
        id="report_chat",
        route=f"POST {PATH}",
        scope=chats.REPORT_SCOPES,
        summary="Create or update a chat",
        description="`source` and `external_id` identify the chat. The same pair again"
        " updates it. Without `entity_id`, a new chat gets an anonymous contact. With"
        " `visitor_uid`, the merge rules are applied. If `decision.state` is `pending`,"
        " they are applied later, within two minutes; then `GET` returns the contact."
        " You may always update a chat that you have created, as long as its contact is"
        " anonymous. Otherwise, you need permission to edit its contact. Chats are"
        " merged only into contacts that you may edit. `chats:report` is for a"
        " channel: it reports the chats of all contacts, and returns the `entity_id` of"
        " those that its user may view.",
        body=NEW_CHAT,
        response=DECIDED,
        may_return_409=True,
    ),
    Operation(
        id="list_chats",
        route=f"GET {PATH}",
        scope=Scope.CONTACTS_READ,
        summary="List the chats of the contacts that you may view",
        parameters=lists.parameters(chats.QUERY),
        response=lists.response("chats", Chat, PATH),
    ),
    Operation(
        id="get_chat",
        route=f"GET {PATH}/{{chat_id}}",
        scope=Scope.CONTACTS_READ,
        summary="Get one chat",
        response=SuccessResponse("The chat.", reference(Chat)),
    ),
    Operation(
        id="set_chat_visitor",
        route=f"POST {PATH}/{{chat_id}}/visitor",
        scope=chats.REPORT_SCOPES,
        summary="Set the browser that is used in a chat",
        description="The merge rules are applied, as for a new chat.",
        body=body({"visitor_uid": UID}),
        response=DECIDED,
    ),
)
