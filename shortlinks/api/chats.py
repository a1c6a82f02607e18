"""`/api/v4/chats`: conversations that channels and sites report (ours, pixel §1.4)."""

import re
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from shortlinks.api import hal, parsing
from shortlinks.api.filters import Filter, ListQuery
from shortlinks.api.parsing import FieldReader
from shortlinks.api.problems import FieldError, ItemErrors, Problem, ValidationFailed
from shortlinks.api.views import ApiView
from shortlinks.domain.contacts.contacts import UnknownContacts
from shortlinks.domain.merging import chats
from shortlinks.domain.merging.chats import ChatBelongsToAnotherContact, NewChat
from shortlinks.domain.merging.rules import Decision
from shortlinks.models import Chat, Contact, Scope, User

QUERY = ListQuery(
    filters={
        "id": Filter("id", "ids"),
        "source": Filter("source", "texts"),
        "external_id": Filter("external_id", "texts"),
        "visitor_uid": Filter("visitor_uid", "names"),
        "entity_id": Filter("contact", "contacts"),
        "created_at": Filter("created_at", "time"),
        "updated_at": Filter("updated_at", "time"),
    },
    orders={"id": "id", "updated_at": "updated_at"},
)
VISITOR_UID = re.compile(r"[a-z2-7]{26}")
UNKNOWN = FieldError("NotSupportedChoice", "entity_id", parsing.NOT_A_CHOICE)


class Chats(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {
        "GET": Scope.CONTACTS_READ,
        "POST": Scope.CHATS_WRITE,
    }

    def get(self, request: Request) -> Response:
        rows = QUERY.apply(request, _readable(self.caller.user))
        return hal.paginated(
            request, "chats", rows, lambda chat: represent(chat, request)
        )

    def post(self, request: Request) -> Response:
        """One chat; the same again is the same chat, and what is new of it."""
        [(request_id, new)] = parsing.read_items(
            parsing.read_object(request), _new_chat
        )
        user = self.caller.user
        try:
            chat, decision = chats.upsert(new, user=user)
        except UnknownContacts:
            raise ValidationFailed([ItemErrors(request_id, [UNKNOWN])]) from None
        except ChatBelongsToAnotherContact:
            raise Problem(409, "The chat belongs to another contact.") from None
        return Response(_decision_json(chat, decision, request))


class ChatView(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.CONTACTS_READ}

    def get(self, request: Request, chat_id: int) -> Response:
        chat = get_object_or_404(_readable(self.caller.user), pk=chat_id)
        return Response(represent(chat, request))


class ChatVisitor(ApiView):
    """Which browser writes in the chat; the answer says what followed."""

    scopes: ClassVar[dict[str, Scope]] = {"POST": Scope.CHATS_WRITE}

    def post(self, request: Request, chat_id: int) -> Response:
        [(_, visitor_uid)] = parsing.read_items(
            parsing.read_object(request), lambda item: _visitor_uid(item, required=True)
        )
        chat = get_object_or_404(_readable(self.caller.user), pk=chat_id)
        decision = chats.set_visitor(chat, visitor_uid)
        return Response(_decision_json(chat, decision, request))


def represent(chat: Chat, request: Request) -> dict[str, Any]:
    contact = chat.contact.root
    return {
        "id": chat.id,
        "source": chat.source,
        "external_id": chat.external_id,
        "title": chat.title,
        "visitor_uid": chat.visitor_uid or None,
        "entity_id": contact.entity_id,
        "is_anonymous": contact.is_anonymous,
        "created_at": int(chat.created_at.timestamp()),
        "updated_at": int(chat.updated_at.timestamp()),
        "account_id": chat.account_id,
        "_links": {"self": hal.href(request, f"/api/v4/chats/{chat.id}")},
    }


def _decision_json(chat: Chat, decision: Decision, request: Request) -> dict[str, Any]:
    joined = decision.join is not None and not chat.contact.root.is_anonymous
    return {
        **represent(chat, request),
        "decision": {
            "merged": joined,
            "suggested": len(decision.suggestions),
            "rule": _rule(decision),
            "reason": decision.reason or None,
        },
    }


def _rule(decision: Decision) -> str | None:
    if decision.join is not None:
        return decision.join.rule
    return decision.suggestions[0].rule if decision.suggestions else None


def _readable(user: User) -> "QuerySet[Chat]":
    readable = Contact.objects.visible_including_merged(user)
    return Chat.objects.filter(contact__in=readable).select_related(
        "contact__merged_into"
    )


def _new_chat(item: FieldReader) -> NewChat:
    return NewChat(
        source=item.text("source", required=True, longest=chats.MAX_SOURCE_LENGTH),
        external_id=item.text(
            "external_id", required=True, longest=chats.MAX_ID_LENGTH
        ),
        title=item.text("title", longest=chats.MAX_TITLE_LENGTH),
        visitor_uid=_visitor_uid(item),
        entity_id=item.id("entity_id"),
    )


def _visitor_uid(item: FieldReader, *, required: bool = False) -> str:
    text = item.text("visitor_uid", required=required, longest=26)
    if text and not VISITOR_UID.fullmatch(text):
        item.add_error("InvalidType", "visitor_uid", "This is no visitor_uid.")
    return text
