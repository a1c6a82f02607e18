"""`POST` of `common` notes, which users or programs write about contacts."""

from collections.abc import Sequence
from dataclasses import dataclass

from rest_framework.request import Request

from shortlinks import tasks
from shortlinks.api import hal, parsing
from shortlinks.api.hal import Response
from shortlinks.api.parsing import FieldReader
from shortlinks.api.problems import ValidationFailed
from shortlinks.api.resources.errors import FieldError, ItemErrors
from shortlinks.api.resources.notes import CreatedNote
from shortlinks.domain.contacts import common_notes
from shortlinks.domain.contacts.common_notes import MAX_TEXT_LENGTH, NewNote
from shortlinks.domain.contacts.contacts import UnknownContacts
from shortlinks.models import Note, NoteType, User

UNKNOWN = FieldError("NotSupportedChoice", "entity_id", parsing.NOT_A_CHOICE)


@dataclass(frozen=True, slots=True)
class NoteCreation:
    """A request to create notes.

    `entity_id` comes from the path. Without it, each note has its own.
    """

    request: Request
    user: User
    entity_id: int | None = None

    def create(self) -> Response:
        """Store the notes. Contacts that the user may not view count as unknown."""
        items = parsing.read_items(parsing.read_json(self.request), self._note)
        try:
            created = common_notes.create([note for _, note in items], user=self.user)
        except UnknownContacts as error:
            unknown = error.entity_ids
            errors = [
                ItemErrors(request_id, [UNKNOWN])
                for request_id, note in items
                if note.entity_id in unknown
            ]
            raise ValidationFailed(errors) from error
        if created.deliveries:
            tasks.enqueue_webhooks()
        return self._response([request_id for request_id, _ in items], created.notes)

    def _note(self, item: FieldReader) -> NewNote | None:
        entity_id = self.entity_id
        if entity_id is None:
            entity_id = item.id("entity_id", required=True)
        item.choice("note_type", [NoteType.COMMON])
        text = item.section("params").text(
            "text", required=True, max_length=MAX_TEXT_LENGTH
        )
        return None if entity_id is None else NewNote(entity_id, text)

    def _response(self, request_ids: list[str], notes: Sequence[Note]) -> Response:
        pairs = zip(request_ids, notes, strict=True)
        return hal.batch(
            self.request, "notes", [self._created(*each) for each in pairs]
        )

    def _created(self, request_id: str, note: Note) -> CreatedNote:
        entity_id = note.contact.entity_id
        path = f"/api/v4/contacts/{entity_id}/notes/{note.id}"
        return CreatedNote(
            id=note.id,
            entity_id=entity_id,
            request_id=request_id,
            links=hal.self_links(self.request, path),
        )
