"""Chats as channels and sites report them; each has a contact from its beginning."""

import secrets
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from shortlinks.domain import access
from shortlinks.domain.contacts import LARGEST_ORDINARY_ID, UnknownContacts
from shortlinks.domain.merging import checks, merges, suggestions
from shortlinks.domain.merging.rules import Decision, nothing
from shortlinks.models import Account, Chat, Contact, User

LONGEST_SOURCE = 64
LONGEST_ID = 255
LONGEST_TITLE = 250


@dataclass(frozen=True, slots=True)
class NewChat:
    """`entity_id` None: nobody knows yet whose chat it is; "" is nothing said."""

    source: str
    external_id: str
    title: str
    visitor_uid: str
    entity_id: int | None


class ChatOfAnother(Exception):
    """The chat belongs to another known contact already; nothing was stored."""


def report(new: NewChat, *, user: User) -> tuple[Chat, Decision]:
    """Store the chat, or what is new of it, and follow the rules of merging at once.

    A chat of nobody gets an anonymous contact. Told whose it is later, that contact
    becomes one with the named. Raises UnknownContacts or ChatOfAnother.
    """
    assert user.account_id is not None  # noqa: S101  operators have no tokens
    with transaction.atomic():
        account = merges.take_turn(user.account_id)
        contact = _named(new, user)
        chat = _found(account, new) or _made(account, new, contact, user)
        if contact is not None:
            _belongs(chat, contact, user)
        chat.title = new.title or chat.title
        chat.visitor_uid = new.visitor_uid or chat.visitor_uid
        return chat, _decided(account, chat)


def driven_by(chat: Chat, visitor_uid: str) -> Decision:
    """The browser with this id writes in the chat: what follows (pixel R3 to R6)."""
    with transaction.atomic():
        account = merges.take_turn(chat.account_id)
        chat.visitor_uid = visitor_uid
        return _decided(account, chat)


def _decided(account: Account, chat: Chat) -> Decision:
    chat.updated_at = timezone.now()
    chat.save()
    if not chat.visitor_uid:
        return nothing("the chat names no browser")
    decision = checks.of_chat(account, chat)
    chat.contact = Contact.objects.select_related("merged_into").get(pk=chat.contact_id)
    return decision


def _named(new: NewChat, user: User) -> Contact | None:
    if new.entity_id is None:
        return None
    contact = access.visible_contact(new.entity_id, user)
    if contact is None:
        raise UnknownContacts({new.entity_id})
    return contact


def _found(account: Account, new: NewChat) -> Chat | None:
    chats = Chat.objects.select_related("contact__merged_into")
    return chats.filter(
        account=account, source=new.source, external_id=new.external_id
    ).first()


def _made(account: Account, new: NewChat, contact: Contact | None, user: User) -> Chat:
    return Chat(
        account=account,
        contact=contact or _anonymous(account, new.title),
        source=new.source,
        external_id=new.external_id,
        created_by=user,
    )


def _anonymous(account: Account, name: str) -> Contact:
    """Its id is above those a CRM brings, and exact in JavaScript."""
    room = 2**53 - LARGEST_ORDINARY_ID
    return Contact.objects.create(
        account=account,
        entity_id=LARGEST_ORDINARY_ID + secrets.randbelow(room),
        name=name,
        is_anonymous=True,
    )


def _belongs(chat: Chat, contact: Contact, user: User) -> None:
    whose = chat.contact.root
    if whose == contact:
        return
    if not whose.is_anonymous:
        raise ChatOfAnother
    suggestions.merge_by_hand(
        chat.account_id, (contact, whose), by=user, into=contact.pk
    )
    whose.refresh_from_db()
    chat.contact.refresh_from_db()
