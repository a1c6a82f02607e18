"""`/api/v4/chats`: conversations that channels and sites report (not in amoCRM)."""

import re
from collections.abc import Mapping
from typing import ClassVar

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from msgspec import structs
from rest_framework.request import Request

from shortlinks.api import hal, parsing
from shortlinks.api.filters import Filter, ListQuery
from shortlinks.api.gates import Scopes
from shortlinks.api.hal import Response
from shortlinks.api.parsing import FieldReader
from shortlinks.api.problems import Problem, ValidationFailed
from shortlinks.api.resources import pixels as resources
from shortlinks.api.resources.errors import ItemErrors
from shortlinks.api.views import ApiView
from shortlinks.domain.auth.tokens import Caller
from shortlinks.domain.contacts.contacts import EditForbidden, UnknownContacts
from shortlinks.domain.merging import chats, queue
from shortlinks.domain.merging.chats import (
    ChatBelongsToAnotherContact,
    ErasedChat,
    NewChat,
    Reporter,
)
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
REPORT_SCOPES = (Scope.CHATS_WRITE, Scope.CHATS_REPORT)  # one of them
VISITOR_UID_LENGTH = 26
VISITOR_UID = re.compile(r"[a-z2-7]{26}")
HIDDEN_FIELDS = {"entity_id": None, "source": "", "external_id": "", "title": ""}
FORBIDDEN = "You do not have permission to edit the contact of this chat."


class Chats(ApiView):
    scopes: ClassVar[dict[str, Scopes]] = {
        "GET": Scope.CONTACTS_READ,
        "POST": REPORT_SCOPES,
    }

    def get(self, request: Request) -> Response:
        rows = QUERY.apply(request, _visible(self.caller.user))
        return hal.paginated(
            hal.read_page(request), "chats", rows, lambda chat: represent(chat, request)
        )

    def post(self, request: Request) -> Response:
        """Create the chat, or update it if it exists."""
        [(request_id, new)] = parsing.read_items(
            parsing.read_object(request), _new_chat
        )
        try:
            chat, decision = chats.upsert(new, by=_reporter(self.caller))
        except UnknownContacts:
            error = parsing.unavailable_contact("entity_id", new.entity_id)
            raise ValidationFailed([ItemErrors(request_id, [error])]) from None
        except ErasedChat:
            raise Problem(409, "The person of this chat was erased.") from None
        except ChatBelongsToAnotherContact:
            raise Problem(409, "The chat already belongs to another contact.") from None
        except EditForbidden:
            raise Problem(403, FORBIDDEN) from None
        sent = {
            "source": new.source,
            "external_id": new.external_id,
            "title": new.title,
            "visitor_uid": new.visitor_uid or None,
        }
        return Response(_decided(chat, decision, request, self.caller, sent))


class ChatView(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.CONTACTS_READ}

    def get(self, request: Request, chat_id: int) -> Response:
        chat = get_object_or_404(_visible(self.caller.user), pk=chat_id)
        return Response(represent(chat, request))


class ChatVisitor(ApiView):
    """The endpoint that sets a chat's browser and returns the merge decision."""

    scopes: ClassVar[dict[str, Scopes]] = {"POST": REPORT_SCOPES}

    def post(self, request: Request, chat_id: int) -> Response:
        [(_, visitor_uid)] = parsing.read_items(
            parsing.read_object(request), lambda item: _visitor_uid(item, required=True)
        )
        reporter = _reporter(self.caller)
        chat = get_object_or_404(chats.reportable_by(reporter), pk=chat_id)
        try:
            chat, decision = chats.set_visitor(chat, visitor_uid, by=reporter)
        except EditForbidden:
            raise Problem(403, FORBIDDEN) from None
        except ChatBelongsToAnotherContact:  # since `chat` was read
            raise Http404 from None
        sent = {"visitor_uid": visitor_uid}
        return Response(_decided(chat, decision, request, self.caller, sent))


def _reporter(caller: Caller) -> Reporter:
    """Return the caller: a channel has `chats:report` and acts for its own user."""
    is_own_token = caller.user.pk == caller.token.user_id
    is_channel = is_own_token and Scope.CHATS_REPORT in caller.token.scopes
    return Reporter(caller.user, is_channel)


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


def _decided(
    chat: Chat,
    decision: Decision,
    request: Request,
    caller: Caller,
    sent: Mapping[str, str | None],
) -> resources.DecidedChat:
    """Return the chat. Callers who may not view its contact get only what they sent."""
    shown = structs.asdict(represent(chat, request))
    if not _visible(caller.user).filter(pk=chat.pk).exists():
        shown |= {**HIDDEN_FIELDS, **sent}
    return resources.DecidedChat(
        **shown,
        decision=resources.MergeDecision(
            state=_state(decision),
            merged=decision.merge is not None,
            suggested=len(decision.suggestions),
            rule=_rule(decision),
            reason=decision.reason or None,
        ),
    )


def _state(decision: Decision) -> str:
    if decision is queue.PENDING:
        return resources.DecisionState.PENDING
    if decision.merge is not None:
        return resources.DecisionState.MERGED
    if decision.suggestions:
        return resources.DecisionState.SUGGESTED
    return resources.DecisionState.NONE


def _rule(decision: Decision) -> str | None:
    if decision.merge is not None:
        return decision.merge.rule
    return decision.suggestions[0].rule if decision.suggestions else None


def _visible(user: User) -> "QuerySet[Chat]":
    visible = Contact.objects.visible_including_merged(user)
    return Chat.objects.filter(contact__in=visible).select_related(
        "contact__merged_into"
    )


def _new_chat(item: FieldReader) -> NewChat:
    return NewChat(
        source=_identity_part(item, "source", chats.MAX_SOURCE_LENGTH),
        external_id=_identity_part(item, "external_id", chats.MAX_ID_LENGTH),
        title=item.text("title", max_length=chats.MAX_TITLE_LENGTH),
        visitor_uid=_visitor_uid(item),
        entity_id=item.id("entity_id"),
    )


def _identity_part(item: FieldReader, field: str, max_length: int) -> str:
    """Return a part of the chat's identity. If empty, all such chats would be one."""
    text = item.text(field, required=True, max_length=max_length)
    if not text and not item.errors:
        item.add_error("FieldMissing", field, "This field is empty.")
    return text


def _visitor_uid(item: FieldReader, *, required: bool = False) -> str:
    text = item.text("visitor_uid", required=required, max_length=VISITOR_UID_LENGTH)
    is_given = bool(text) or (required and not item.errors)
    if is_given and not VISITOR_UID.fullmatch(text):
        detail = "A visitor_uid has 26 characters: a to z and 2 to 7."
        item.add_error("InvalidType", "visitor_uid", detail)
    return text
