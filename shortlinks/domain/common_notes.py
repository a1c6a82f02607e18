"""Notes that people and programs write themselves (contract §4)."""

from collections.abc import Sequence
from dataclasses import dataclass

from shortlinks.domain.contacts import UnknownContacts
from shortlinks.models import Contact, Note, NoteType, User

LONGEST = 20_000


@dataclass(frozen=True, slots=True)
class NewNote:
    entity_id: int
    text: str


def create(new: Sequence[NewNote], *, user: User) -> list[Note]:
    """Store all the notes or none, in their order; raises UnknownContacts."""
    wanted = {note.entity_id for note in new}
    visible = Contact.objects.visible_to(user).filter(entity_id__in=wanted)
    contacts = {contact.entity_id: contact for contact in visible}
    if missing := wanted - contacts.keys():
        raise UnknownContacts(missing)
    return Note.objects.bulk_create(
        Note(
            account_id=contacts[note.entity_id].account_id,
            contact=contacts[note.entity_id],
            note_type=NoteType.COMMON,
            text=note.text,
            created_by=user,
        )
        for note in new
    )
