"""Notes of contacts. Managers read about opens here, with source URLs only."""

from typing import ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from shortlinks.api import hal
from shortlinks.api.filters import Filter, ListQuery
from shortlinks.api.note_creation import NoteCreation
from shortlinks.api.resources import notes as resources
from shortlinks.api.views import ApiView
from shortlinks.domain.webhooks import payloads
from shortlinks.models import Contact, Note, NoteType, Scope

QUERY = ListQuery(
    filters={
        "id": Filter("id", "ids"),
        "note_type": Filter("note_type", "names"),
        "entity_id": Filter("contact", "contacts"),
        "updated_at": Filter("updated_at", "time"),
    },
    orders={"id": "id", "updated_at": "updated_at"},
)


class Notes(ApiView):
    """`/api/v4/contacts/notes`: notes of all contacts that the caller may view."""

    scopes: ClassVar[dict[str, Scope]] = {
        "GET": Scope.CONTACTS_READ,
        "POST": Scope.CONTACTS_WRITE,
    }

    def post(self, request: Request) -> Response:
        return NoteCreation(request, self.caller.user).create()

    def get(self, request: Request) -> Response:
        readable = Contact.objects.visible_including_merged(self.caller.user)
        return _list(request, Note.objects.filter(contact__in=readable))


class ContactNotes(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {
        "GET": Scope.CONTACTS_READ,
        "POST": Scope.CONTACTS_WRITE,
    }

    def post(self, request: Request, entity_id: int) -> Response:
        self.contact(entity_id)
        return NoteCreation(request, self.caller.user, entity_id).create()

    def get(self, request: Request, entity_id: int) -> Response:
        contacts = Contact.objects.same_person(self.contact(entity_id))
        return _list(request, Note.objects.filter(contact__in=contacts))


class ContactNote(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.CONTACTS_READ}

    def get(
        self, request: Request, note_id: int, entity_id: int | None = None
    ) -> Response:
        user = self.caller.user
        readable = Contact.objects.visible_including_merged(user)
        if entity_id is not None:
            readable = readable.with_entity_ids([entity_id], user.account_id)
        notes = Note.objects.filter(contact__in=readable)
        notes = notes.select_related("contact__merged_into")
        note = get_object_or_404(notes, pk=note_id)
        return Response(represent(note, request))


def _list(request: Request, notes: "QuerySet[Note]") -> Response:
    rows = QUERY.apply(request, notes.select_related("contact__merged_into"))
    return hal.paginated(request, "notes", rows, lambda note: represent(note, request))


def represent(note: Note, request: Request) -> resources.Note:
    contact = note.contact.root
    path = f"/api/v4/contacts/{contact.entity_id}/notes/{note.id}"
    return resources.Note(
        id=note.id,
        entity_id=contact.entity_id,
        created_by=note.created_by_id or 0,
        updated_by=note.created_by_id or 0,
        created_at=int(note.created_at.timestamp()),
        updated_at=int(note.updated_at.timestamp()),
        responsible_user_id=contact.responsible_user_id or 0,
        group_id=contact.group_id or 0,
        note_type=note.note_type,
        params=_params(note),
        account_id=note.account_id,
        links=hal.self_links(request, path),
    )


def _params(note: Note) -> resources.OpenParams | resources.TextParams:
    if note.note_type == NoteType.LINK_FOLLOWED:
        return resources.OpenParams(note.url)
    if note.note_type == NoteType.SERVICE:
        return resources.TextParams(service=payloads.SERVICE, text=note.text)
    return resources.TextParams(text=note.text)
