"""Notes that users and integrations write."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from shortlinks.domain.auth import permissions
from shortlinks.domain.contacts.contacts import UnknownContacts
from shortlinks.domain.pixels import consent
from shortlinks.domain.webhooks import events
from shortlinks.models import Contact, Note, NoteType, User, WebhookEvent

MAX_TEXT_LENGTH = 20_000


@dataclass(frozen=True, slots=True)
class NewNote:
    entity_id: int
    text: str


@dataclass(frozen=True, slots=True)
class Created:
    """The new notes, and the number of webhook deliveries for them."""

    notes: Sequence[Note]
    deliveries: int


@transaction.atomic
def create(new: Sequence[NewNote], *, user: User) -> Created:
    """Store all notes or none, in their order. Raises UnknownContacts."""
    entity_ids = {note.entity_id for note in new}
    roots = permissions.visible_roots(entity_ids, user)
    consents = consent.lock(set(roots.values()))
    present = {
        id_ for id_, pk in roots.items() if consents[pk] != consent.CONTACT_DELETED
    }
    if missing := entity_ids - present:
        raise UnknownContacts(missing)
    rows = Contact.objects.in_bulk(roots.values())
    contacts = {entity_id: rows[pk] for entity_id, pk in roots.items()}
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
