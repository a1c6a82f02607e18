"""Chats, sent by channels and sites. Each has a contact from the beginning.

A channel reports for the whole account. Other reporters need their user's rights, also
for what the merge rules do with their chats.
"""

import secrets
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from shortlinks.domain import erased_identities, quotas
from shortlinks.domain.auth import permissions
from shortlinks.domain.contacts import contacts
from shortlinks.domain.contacts.contacts import EditForbidden, UnknownContacts
from shortlinks.domain.merging import merges, queue, suggestions
from shortlinks.domain.merging.merges import AccountLock
from shortlinks.domain.merging.rules import Decision, no_action
from shortlinks.domain.pixels import consent
from shortlinks.domain.quotas import Quota, QuotaReached
from shortlinks.models import Account, Chat, Contact, User

MAX_SOURCE_LENGTH = 64
MAX_ID_LENGTH = 255
MAX_TITLE_LENGTH = 250
# The random ids of anonymous contacts start here, above all others.
ANONYMOUS_ID_START = 2**52


@dataclass(frozen=True, slots=True)
class NewChat:
    """A chat as it was sent: `entity_id` is None if its contact is unknown."""

    source: str
    external_id: str
    title: str
    visitor_uid: str
    entity_id: int | None


@dataclass(frozen=True, slots=True)
class Reporter:
    """The user whose rights apply, or a channel that reports for all contacts."""

    user: User
    is_channel: bool = False

    @property
    def account_id(self) -> int:
        assert self.user.account_id is not None  # noqa: S101  operators have no tokens
        return self.user.account_id

    def may_edit(self, contact: Contact) -> bool:
        if self.is_channel:
            return contact.account_id == self.account_id and not contact.is_deleted
        return contacts.may_edit(contact, self.user)


class ErasedChat(Exception):
    """The person of this chat was erased. Nothing was stored."""


class ChatBelongsToAnotherContact(Exception):
    """The chat belongs to another known contact, or the user may not view it.

    Nothing was stored.
    """


def upsert(new: NewChat, *, by: Reporter) -> tuple[Chat, Decision]:
    """Create or update the chat, and apply the merge rules.

    A chat without a contact gets an anonymous one. If its contact is sent later, the
    anonymous one is merged into it. Raises UnknownContacts, EditForbidden, ErasedChat
    or ChatBelongsToAnotherContact.
    """
    with transaction.atomic():
        lock = merges.lock_account(by.account_id)
        contact = _contact_by_id(new, by)
        chat = _find(lock.account, new)
        if chat is None:
            if erased_identities.is_chat_erased(
                by.account_id, new.source, new.external_id
            ):
                raise ErasedChat
            chat = _create(lock.account, new, contact, by.user)
        else:
            chat = _require_access(chat, by)
        if contact is not None:
            _assign_contact(chat, contact, by)
        _take_over(chat, by)
        chat.title = new.title or chat.title
        chat.visitor_uid = new.visitor_uid or chat.visitor_uid
        return chat, _evaluate(lock, chat)


def set_visitor(chat: Chat, visitor_uid: str, *, by: Reporter) -> tuple[Chat, Decision]:
    """Store in which browser the chat takes place, and apply the merge rules.

    Raises EditForbidden or ChatBelongsToAnotherContact.
    """
    with transaction.atomic():
        lock = merges.lock_account(chat.account_id)
        chat = _require_access(chat, by)
        _take_over(chat, by)
        chat.visitor_uid = visitor_uid
        return chat, _evaluate(lock, chat)


def reportable_by(reporter: Reporter) -> "QuerySet[Chat]":
    """Return the chats that the reporter may view; a channel may view all of them."""
    chats = Chat.objects.filter(account=reporter.account_id, contact__is_deleted=False)
    if not reporter.is_channel:
        visible = Contact.objects.visible_including_merged(reporter.user)
        # The user's own chats, while their contacts are anonymous.
        own = Chat.objects.anonymous().filter(created_by=reporter.user)
        chats = chats.filter(Q(contact__in=visible) | Q(pk__in=own))
    return chats.select_related("contact__merged_into")


def _require_access(chat: Chat, by: Reporter) -> Chat:
    """Require a channel, the creator of an anonymous chat, or the right to edit.

    Return the chat as it is now.
    """
    current = reportable_by(by).filter(pk=chat.pk).first()
    if current is None:
        raise ChatBelongsToAnotherContact
    contact = current.contact.root
    is_own = current.created_by_id == by.user.pk and contact.is_anonymous
    if not is_own and not by.may_edit(contact):
        raise EditForbidden
    return current


def _take_over(chat: Chat, by: Reporter) -> None:
    """Let the rules use the rights of a channel or administrator who reports the chat.

    Otherwise, they would keep to the narrower rights of the user who reported it first.
    """
    if by.is_channel:
        chat.created_by = None
    elif by.user.is_admin:
        chat.created_by = by.user


def _evaluate(lock: AccountLock, chat: Chat) -> Decision:
    """Store the chat, and apply the rules.

    The chat keeps no `visitor_uid` if its person has refused to be recognized.
    """
    consents = consent.lock([chat.contact_id])
    if consents.get(chat.contact_id) == consent.DENIED:
        chat.visitor_uid = ""
    chat.updated_at = timezone.now()
    chat.save()
    if not chat.visitor_uid:
        return no_action("the chat has no visitor_uid")
    decision = queue.evaluate_chat(lock, chat)
    chat.contact = Contact.objects.select_related("merged_into").get(pk=chat.contact_id)
    return decision


def _contact_by_id(new: NewChat, by: Reporter) -> Contact | None:
    if new.entity_id is None:
        return None
    root = _known_contact(new.entity_id, by)
    if root is None:
        raise UnknownContacts({new.entity_id})
    # If a merge is undone, the contact with this id keeps the chat.
    same_person = Contact.objects.same_person(root).select_related("merged_into")
    return same_person.get(entity_id=new.entity_id)


def _known_contact(entity_id: int, by: Reporter) -> Contact | None:
    """Return the contact, or the one that it was merged into."""
    if not by.is_channel:
        return permissions.visible_contact(entity_id, by.user)
    rows = Contact.objects.filter(
        account=by.account_id, is_deleted=False, merged_into=None
    )
    return rows.with_entity_ids([entity_id], by.account_id).first()


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
        contact=contact or _create_anonymous(account, new.title),
        source=new.source,
        external_id=new.external_id,
        created_by=user,
    )


def _create_anonymous(account: Account, name: str) -> Contact:
    """Create a contact whose id is above a CRM's ids and exact in JavaScript."""
    if quotas.are_contacts_full(account.pk):
        raise QuotaReached(Quota.CONTACTS)
    count = 2**53 - ANONYMOUS_ID_START
    return Contact.objects.create(
        account=account,
        entity_id=ANONYMOUS_ID_START + secrets.randbelow(count),
        name=name,
        is_anonymous=True,
    )


def _assign_contact(chat: Chat, contact: Contact, by: Reporter) -> None:
    current, named = chat.contact.root, contact.root
    if current == named:
        return
    if not current.is_anonymous:
        raise ChatBelongsToAnotherContact
    if not by.may_edit(named):
        raise EditForbidden
    suggestions.merge_by_hand(
        chat.account_id,
        (named, current),
        by=by.user,
        into=named.pk,
        is_channel=by.is_channel,
    )
    current.refresh_from_db()
    chat.contact.refresh_from_db()
