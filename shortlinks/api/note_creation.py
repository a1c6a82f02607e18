"""`POST` of `common` notes: what people or programs write about contacts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from shortlinks import tasks
from shortlinks.api import hal, parsing
from shortlinks.api.parsing import FieldReader
from shortlinks.api.problems import FieldError, ItemErrors, ValidationFailed
from shortlinks.domain.contacts import common_notes
from shortlinks.domain.contacts.common_notes import MAX_TEXT_LENGTH, NewNote
from shortlinks.domain.contacts.contacts import UnknownContacts
from shortlinks.models import Note, NoteType, User

UNKNOWN = FieldError("NotSupportedChoice", "entity_id", parsing.NOT_A_CHOICE)


@dataclass(frozen=True, slots=True)
class NoteCreation:
    """`entity_id` is the address's contact; without one each note names its own."""

    request: Request
    user: User
    entity_id: int | None = None

    def write(self) -> Response:
        """The answer, or 400; contacts that may not be seen are unknown."""
        items = parsing.read_items(parsing.read_json(self.request), self._note)
        try:
            created = common_notes.create([note for _, note in items], user=self.user)
        except UnknownContacts as error:
            unknown = error.entity_ids
            faults = [
                ItemErrors(request_id, [UNKNOWN])
                for request_id, note in items
                if note.entity_id in unknown
            ]
            raise ValidationFailed(faults) from error
        if created.deliveries:
            tasks.enqueue_webhooks()
        return Response(self._created([id_ for id_, _ in items], created.notes))

    def _note(self, item: FieldReader) -> NewNote | None:
        entity_id = self.entity_id
        if entity_id is None:
            entity_id = item.id("entity_id", required=True)
        item.choice("note_type", [NoteType.COMMON])
        text = item.section("params").text(
            "text", required=True, longest=MAX_TEXT_LENGTH
        )
        return None if entity_id is None else NewNote(entity_id, text)

    def _created(self, request_ids: list[str], notes: Sequence[Note]) -> dict[str, Any]:
        return {
            "_links": {"self": hal.href(self.request, self.request.path)},
            "_embedded": {
                "notes": [
                    self._brief(request_id, note)
                    for request_id, note in zip(request_ids, notes, strict=True)
                ]
            },
        }

    def _brief(self, request_id: str, note: Note) -> dict[str, Any]:
        entity_id = note.contact.entity_id
        path = f"/api/v4/contacts/{entity_id}/notes/{note.id}"
        return {
            "id": note.id,
            "entity_id": entity_id,
            "request_id": request_id,
            "_links": {"self": hal.href(self.request, path)},
        }
