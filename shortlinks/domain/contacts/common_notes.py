"""Notes that people and programs write themselves (contract §4)."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from shortlinks.domain.auth import permissions
from shortlinks.domain.contacts.contacts import UnknownContacts
from shortlinks.domain.webhooks import events
from shortlinks.models import Contact, Note, NoteType, User, WebhookEvent

MAX_TEXT_LENGTH = 20_000


@dataclass(frozen=True, slots=True)
class NewNote:
    entity_id: int
    text: str


@dataclass(frozen=True, slots=True)
class Created:
    """The notes, and how many times webhooks are to be told of them."""

    notes: Sequence[Note]
    deliveries: int


@transaction.atomic
def create(new: Sequence[NewNote], *, user: User) -> Created:
    """Store all the notes or none, in their order; raises UnknownContacts."""
    wanted = {note.entity_id for note in new}
    named = permissions.visible_roots(wanted, user)
    if missing := wanted - named.keys():
        raise UnknownContacts(missing)
    rows = Contact.objects.in_bulk(named.values())
    contacts = {entity_id: rows[pk] for entity_id, pk in named.items()}
    notes = Note.objects.bulk_create(
        Note(
            account_id=contacts[note.entity_id].account_id,
            contact=contacts[note.entity_id],
            note_type=NoteType.COMMON,
            text=note.text,
            created_by=user,
        )
        for note in new
    )
    ids = [note.pk for note in notes]
    return Created(notes, events.enqueue(WebhookEvent.NOTE_CONTACT, ids))
