"""`/api/v4/chats`: conversations that channels and sites report (ours)."""

import re
from typing import ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from msgspec import structs
from rest_framework.request import Request
from rest_framework.response import Response

from shortlinks.api import hal, parsing
from shortlinks.api.filters import Filter, ListQuery
from shortlinks.api.parsing import FieldReader
from shortlinks.api.problems import Problem, ValidationFailed
from shortlinks.api.resources import pixels as resources
from shortlinks.api.resources.errors import FieldError, ItemErrors
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
VISITOR_UID_LENGTH = 26
VISITOR_UID = re.compile(r"[a-z2-7]{26}")
UNKNOWN = FieldError("NotSupportedChoice", "entity_id", parsing.NOT_A_CHOICE)


class Chats(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {
        "GET": Scope.CONTACTS_READ,
        "POST": Scope.CHATS_WRITE,
    }

    def get(self, request: Request) -> Response:
        rows = QUERY.apply(request, _visible(self.caller.user))
        return hal.paginated(
            request, "chats", rows, lambda chat: represent(chat, request)
        )

    def post(self, request: Request) -> Response:
        """Create the chat, or update it if it exists."""
        [(request_id, new)] = parsing.read_items(
            parsing.read_object(request), _new_chat
        )
        user = self.caller.user
        try:
            chat, decision = chats.upsert(new, user=user)
        except UnknownContacts:
            raise ValidationFailed([ItemErrors(request_id, [UNKNOWN])]) from None
        except ChatBelongsToAnotherContact:
            raise Problem(409, "The chat already belongs to another contact.") from None
        return Response(_decided(chat, decision, request))


class ChatView(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.CONTACTS_READ}

    def get(self, request: Request, chat_id: int) -> Response:
        chat = get_object_or_404(_visible(self.caller.user), pk=chat_id)
        return Response(represent(chat, request))


class ChatVisitor(ApiView):
    """Sets the browser of the chat, and returns what the merge rules decided."""

    scopes: ClassVar[dict[str, Scope]] = {"POST": Scope.CHATS_WRITE}

    def post(self, request: Request, chat_id: int) -> Response:
        [(_, visitor_uid)] = parsing.read_items(
            parsing.read_object(request), lambda item: _visitor_uid(item, required=True)
        )
        chat = get_object_or_404(_visible(self.caller.user), pk=chat_id)
        decision = chats.set_visitor(chat, visitor_uid)
        return Response(_decided(chat, decision, request))


def represent(chat: Chat, request: Request) -> resources.Chat:
    contact = chat.contact.root
    return resources.Chat(
        id=chat.id,
        source=chat.source,
        external_id=chat.external_id,
        title=chat.title,
        visitor_uid=chat.visitor_uid or None,
        entity_id=contact.entity_id,
        is_anonymous=contact.is_anonymous,
        created_at=int(chat.created_at.timestamp()),
        updated_at=int(chat.updated_at.timestamp()),
        account_id=chat.account_id,
        links=hal.self_links(request, f"/api/v4/chats/{chat.id}"),
    )


def _decided(chat: Chat, decision: Decision, request: Request) -> resources.DecidedChat:
    was_merged = decision.join is not None and not chat.contact.root.is_anonymous
    return resources.DecidedChat(
        **structs.asdict(represent(chat, request)),
        decision=resources.MergeDecision(
            merged=was_merged,
            suggested=len(decision.suggestions),
            rule=_rule(decision),
            reason=decision.reason or None,
        ),
    )


def _rule(decision: Decision) -> str | None:
    if decision.join is not None:
        return decision.join.rule
    return decision.suggestions[0].rule if decision.suggestions else None


def _visible(user: User) -> "QuerySet[Chat]":
    visible = Contact.objects.visible_including_merged(user)
    return Chat.objects.filter(contact__in=visible).select_related(
        "contact__merged_into"
    )


def _new_chat(item: FieldReader) -> NewChat:
    return NewChat(
        source=item.text("source", required=True, max_length=chats.MAX_SOURCE_LENGTH),
        external_id=item.text(
            "external_id", required=True, max_length=chats.MAX_ID_LENGTH
        ),
        title=item.text("title", max_length=chats.MAX_TITLE_LENGTH),
        visitor_uid=_visitor_uid(item),
        entity_id=item.id("entity_id"),
    )


def _visitor_uid(item: FieldReader, *, required: bool = False) -> str:
    text = item.text("visitor_uid", required=required, max_length=VISITOR_UID_LENGTH)
    if text and not VISITOR_UID.fullmatch(text):
        detail = "A visitor_uid has 26 characters: a to z and 2 to 7."
        item.add_error("InvalidType", "visitor_uid", detail)
    return text
