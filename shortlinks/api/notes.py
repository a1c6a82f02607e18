"""Notes of contacts. Managers read about opens here, with source URLs only."""

from typing import ClassVar

from django.db.models import F, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import translation
from msgspec import UNSET
from rest_framework.request import Request

from shortlinks.api import hal
from shortlinks.api.filters import Filter, ListQuery
from shortlinks.api.hal import Response
from shortlinks.api.note_creation import NoteCreation
from shortlinks.api.resources import notes as resources
from shortlinks.api.views import ApiView
from shortlinks.domain import reasons
from shortlinks.domain.webhooks import payloads
from shortlinks.models import Certainty, Contact, Note, NoteType, Scope

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
        note = get_object_or_404(_with_related(notes), pk=note_id)
        return Response(represent(note, request))


def _list(request: Request, notes: "QuerySet[Note]") -> Response:
    rows = QUERY.apply(request, _with_related(notes))
    return hal.paginated(
        hal.read_page(request), "notes", rows, lambda note: represent(note, request)
    )


def _with_related(notes: "QuerySet[Note]") -> "QuerySet[Note]":
    rows = notes.select_related("contact__merged_into")
    return rows.annotate(link_created_at=F("link__created_at"))


def represent(note: Note, request: Request) -> resources.Note:
    contact = note.contact.root
    explanation = _explain(note, request)
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
        params=_params(note, explanation),
        certainty=None if explanation is None else reasons.certainty(note.reason),
        reason=None if explanation is None else note.reason,
        explanation=explanation,
        account_id=note.account_id,
        links=hal.self_links(request, path),
    )


def _explain(note: Note, request: Request) -> str | None:
    """Explain an open in the language of the calling user."""
    if note.note_type != NoteType.LINK_FOLLOWED:
        return None
    created_at = getattr(note, "link_created_at", None)
    with translation.override(getattr(request.user, "language", "en")):
        return reasons.explain(
            note.reason, note.created_at - created_at if created_at else None
        )


def _params(
    note: Note, explanation: str | None
) -> resources.OpenParams | resources.TextParams:
    if note.note_type == NoteType.LINK_FOLLOWED:
        is_unsure = reasons.certainty(note.reason) == Certainty.UNSURE
        text = explanation if is_unsure and explanation else UNSET
        return resources.OpenParams(note.url, text)
    if note.note_type == NoteType.SERVICE:
        return resources.TextParams(service=payloads.SERVICE, text=note.text)
    return resources.TextParams(text=note.text)
