"""Contacts of all kinds, each with one row of everything that belongs to a contact."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils import timezone

from shortlinks.models import (
    Account,
    AttachmentReview,
    Chat,
    ConsentChannel,
    ConsentRecord,
    Contact,
    Evidence,
    Merge,
    MergeRule,
    MergeState,
    MergeSuggestion,
    Note,
    NoteType,
    Pixel,
    PixelAttachment,
    SeparatePair,
    ShortLink,
    User,
)
from tests import factories
from tests.rights import levels

SOURCE = "site"
MINE = "mine"  # a chat that the caller created, of an anonymous contact
# Larger than the automatic ids of a test database, so that each is unique in a text.
_ids = itertools.count(7_000_000_001)


@dataclass(frozen=True, slots=True)
class Rows:
    """A contact's ids and texts by name, for paths and bodies, and those it reveals."""

    values: Mapping[str, Any]
    secrets: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Population:
    caller: User
    rows: Mapping[str, Rows]  # by kind of contact


def create(caller_name: str) -> Population:
    """Create a caller with these levels, and contacts of all kinds."""
    account = factories.account()
    caller = levels.create(caller_name, account, factories.group(account))
    by_kind = dict(_contacts(caller))
    own = by_kind[levels.OWN]
    Chat.objects.create(
        account=account,
        contact=_contact(account, is_anonymous=True),
        source=SOURCE,
        external_id=MINE,
        created_by=caller,
    )
    return Population(caller, {k: _rows(c, own, caller) for k, c in by_kind.items()})


def _contacts(caller: User) -> Iterator[tuple[str, Contact]]:
    account = caller.account
    assert account is not None
    mate = _user(account, group=caller.group)
    other = _user(account, group=factories.group(account))
    stranger = _user(factories.account())
    own = _of(caller)
    others = _of(other)
    yield levels.OWN, own
    yield levels.MERGED_OWN, _of(caller, merged_into=own)
    yield "mate", _of(mate)
    yield "other", others
    yield "merged-other", _of(other, merged_into=others)
    yield "anonymous", _contact(account, is_anonymous=True)
    yield "deleted", _of(caller, is_deleted=True)
    yield "foreign", _of(stranger)


def _user(account: Account, **fields: Any) -> User:
    return factories.user(account, id=next(_ids), **fields)


def _of(user: User, **fields: Any) -> Contact:
    assert user.account is not None
    who = {"responsible_user": user, "group": user.group}
    return _contact(user.account, **who, **fields)


def _contact(account: Account, **fields: Any) -> Contact:
    ids = {"id": next(_ids), "entity_id": next(_ids)}
    return factories.contact(account, name=f"Name {ids['id']}", **ids, **fields)


def _rows(contact: Contact, own: Contact, caller: User) -> Rows:
    user, merge = contact.responsible_user or caller, _merge(contact)
    link, consent = _link(contact), _consent(contact)
    visit = factories.visit(link, verdict="person", reason="browser")
    note, pixel = _note(contact, link), _pixel(contact)
    chat = Chat.objects.create(
        id=next(_ids),
        account=contact.account,
        contact=contact,
        source=SOURCE,
        external_id=f"chat-{contact.pk}",
        title=f"Title {contact.pk}",
    )
    ids = {
        "pk": contact.pk,
        "entity_id": contact.entity_id,
        "link_id": link.pk,
        "visit_id": str(visit.pk),
        "note_id": note.pk,
        "event_id": note.pk,
        "consent_id": consent.pk,
        "pixel_id": pixel.pk,
        "visitor_uid": pixel.visitor_uid,
        "chat_id": chat.pk,
        "title": chat.title,
        "merge_id": merge.pk,
        "merged_id": merge.loser.entity_id,
        **_with_own(contact, own, caller),
    }
    others = {
        "root_id": contact.root.entity_id,
        "external_id": chat.external_id,
        "user_id": user.pk,
        "recorder_id": consent.recorded_by_id,
        "url": link.url,
        "erasure_id": factories.erasure(contact.account).pk,
        "own_id": own.entity_id,
    }
    texts = {contact.name, link.url, chat.external_id}
    users = {str(user.pk)} - {str(caller.pk)}
    secrets = {str(each) for each in ids.values()} | texts | users
    return Rows(ids | others, frozenset(secrets))


def _link(contact: Contact) -> ShortLink:
    link = factories.link(contact, f"https://shop.example/{contact.pk}")
    ShortLink.objects.filter(pk=link.pk).update(id=(pk := next(_ids)))
    return ShortLink.objects.get(pk=pk)


def _note(contact: Contact, link: ShortLink) -> Note:
    now = timezone.now()
    return Note.objects.create(
        id=next(_ids),
        account=contact.account,
        contact=contact,
        note_type=NoteType.LINK_FOLLOWED,
        link=link,
        url=link.url,
        opens=1,
        period=(now, now + timedelta(minutes=10)),
    )


def _pixel(contact: Contact) -> Pixel:
    """Create a browser that a user confirmed, so that its chats are merged."""
    now = timezone.now()
    number = next(_ids)
    digits = str(number).translate(str.maketrans("0189", "abcd"))
    pixel = Pixel.objects.create(
        id=number,
        account=contact.account,
        cookie_sha256=factories.cookie_sha256(str(number)),
        visitor_uid=digits.rjust(26, "x"),
    )
    PixelAttachment.objects.create(
        pixel=pixel,
        contact=contact,
        evidence=Evidence.CLICK,
        review=AttachmentReview.CONFIRMED,
        first_seen_at=now,
        last_seen_at=now,
    )
    return pixel


def _consent(contact: Contact) -> ConsentRecord:
    return ConsentRecord.objects.create(
        id=next(_ids),
        contact=contact,
        consent=contact.tracking_consent,
        source=f"Form {contact.pk}",
        given_at=timezone.now(),
        channel=ConsentChannel.API,
        recorded_by=_user(contact.account),
    )


def _merge(contact: Contact) -> Merge:
    """Create the merge of a merged contact, or one of an anonymous one into it."""
    if contact.merged_into is not None:
        return _merged(contact.merged_into, contact)
    gone = _contact(
        contact.account,
        is_anonymous=True,
        merged_into=contact,
        is_deleted=contact.is_deleted,
    )
    return _merged(contact, gone)


def _merged(survivor: Contact, loser: Contact, **fields: Any) -> Merge:
    return Merge.objects.create(
        id=(number := next(_ids)),
        account=survivor.account,
        survivor=survivor,
        loser=loser,
        rule=MergeRule.CHAT,
        key=str(number).encode(),
        created_at=timezone.now() - timedelta(days=2),  # not one of today's, see R8
        **fields,
    )


def _with_own(contact: Contact, own: Contact, caller: User) -> dict[str, int]:
    """Create rows of the contact and the caller's own, as a pair.

    The own contact and a merged one, which is the same person, get another partner.
    """
    partner = _partner(contact, own, caller)
    pair = _pair(contact, partner)
    suggestion = MergeSuggestion.objects.create(
        id=next(_ids),
        rule=MergeRule.OPENED,
        evidence={"entity_id": contact.entity_id},
        **pair,
    )
    state = {"state": MergeState.UNDONE, "undone_at": timezone.now()}
    undone = _merged(partner, contact, **state)
    apart = SeparatePair.objects.create(id=next(_ids), **pair)
    return {
        "suggestion_id": suggestion.pk,
        "undone_merge_id": undone.pk,
        "apart_id": apart.pk,
    }


def _partner(contact: Contact, own: Contact, caller: User) -> Contact:
    if contact.root == own:
        return _of(caller)
    return own if contact.account == own.account else _contact(contact.account)


def _pair(contact: Contact, partner: Contact) -> dict[str, Any]:
    one, other = sorted((contact, partner), key=lambda each: each.pk)
    return {"account": contact.account, "one": one, "other": other}
