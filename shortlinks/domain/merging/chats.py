"""Chats as channels and sites report them; each has a contact from its beginning."""

import secrets
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from shortlinks.domain.auth import permissions
from shortlinks.domain.contacts.contacts import ANONYMOUS_ID_START, UnknownContacts
from shortlinks.domain.merging import merges, queue, suggestions
from shortlinks.domain.merging.rules import Decision, no_action
from shortlinks.models import Account, Chat, Contact, User

MAX_SOURCE_LENGTH = 64
MAX_ID_LENGTH = 255
MAX_TITLE_LENGTH = 250


@dataclass(frozen=True, slots=True)
class NewChat:
    """`entity_id` None: nobody knows yet whose chat it is; "" is nothing said."""

    source: str
    external_id: str
    title: str
    visitor_uid: str
    entity_id: int | None


class ChatBelongsToAnotherContact(Exception):
    """The chat belongs to another known contact already; nothing was stored."""


def upsert(new: NewChat, *, user: User) -> tuple[Chat, Decision]:
    """Store the chat, or what is new of it, and follow the rules of merging at once.

    A chat of nobody gets an anonymous contact. Told whose it is later, that contact
    becomes one with the named. Raises UnknownContacts or ChatOfAnother.
    """
    assert user.account_id is not None  # noqa: S101  operators have no tokens
    with transaction.atomic():
        account = merges.lock_account(user.account_id)
        contact = _contact_by_id(new, user)
        chat = _find(account, new) or _create(account, new, contact, user)
        if contact is not None:
            _assign_contact(chat, contact, user)
        chat.title = new.title or chat.title
        chat.visitor_uid = new.visitor_uid or chat.visitor_uid
        return chat, _evaluate(account, chat)


def set_visitor(chat: Chat, visitor_uid: str) -> Decision:
    """The browser with this id writes in the chat: what follows (pixel R3 to R6)."""
    with transaction.atomic():
        account = merges.lock_account(chat.account_id)
        chat.visitor_uid = visitor_uid
        return _evaluate(account, chat)


def _evaluate(account: Account, chat: Chat) -> Decision:
    chat.updated_at = timezone.now()
    chat.save()
    if not chat.visitor_uid:
        return no_action("the chat names no browser")
    decision = queue.evaluate_chat(account, chat)
    chat.contact = Contact.objects.select_related("merged_into").get(pk=chat.contact_id)
    return decision


def _contact_by_id(new: NewChat, user: User) -> Contact | None:
    if new.entity_id is None:
        return None
    contact = permissions.visible_contact(new.entity_id, user)
    if contact is None:
        raise UnknownContacts({new.entity_id})
    return contact


def _find(account: Account, new: NewChat) -> Chat | None:
    chats = Chat.objects.select_related("contact__merged_into")
    return chats.filter(
        account=account, source=new.source, external_id=new.external_id
    ).first()


def _create(
    account: Account, new: NewChat, contact: Contact | None, user: User
) -> Chat:
    return Chat(
        account=account,
        contact=contact or _anonymous(account, new.title),
        source=new.source,
        external_id=new.external_id,
        created_by=user,
    )


def _anonymous(account: Account, name: str) -> Contact:
    """Its id is above those a CRM brings, and exact in JavaScript."""
    room = 2**53 - ANONYMOUS_ID_START
    return Contact.objects.create(
        account=account,
        entity_id=ANONYMOUS_ID_START + secrets.randbelow(room),
        name=name,
        is_anonymous=True,
    )


def _assign_contact(chat: Chat, contact: Contact, user: User) -> None:
    whose = chat.contact.root
    if whose == contact:
        return
    if not whose.is_anonymous:
        raise ChatBelongsToAnotherContact
    suggestions.merge_by_hand(
        chat.account_id, (contact, whose), by=user, into=contact.pk
    )
    whose.refresh_from_db()
    chat.contact.refresh_from_db()
