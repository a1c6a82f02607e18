"""`GET /api/v4/events`: opened links, in the format of amoCRM's events."""

from typing import ClassVar

from django.db.models import QuerySet, Value
from django.shortcuts import get_object_or_404
from rest_framework.request import Request

from shortlinks.api import hal
from shortlinks.api.filters import Filter, ListQuery
from shortlinks.api.hal import Response
from shortlinks.api.resources import notes as resources
from shortlinks.api.views import ApiView
from shortlinks.models import Contact, Note, NoteType, Scope, User

MAX_EVENTS = 100
ENTITY = "contact"
QUERY = ListQuery(
    filters={
        "id": Filter("id", "ids"),
        "type": Filter("note_type", "names"),
        "entity": Filter("entity", "names"),
        "entity_id": Filter("contact", "contacts"),
        "created_at": Filter("created_at", "time"),
        "created_by": Filter("creator", "ids"),
    },
    orders={"created_at": "created_at", "id": "id"},
    default=("-created_at", "-id"),
)


class Events(ApiView):
    """One event per note of an open, visible to whoever may view the note."""

    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.CONTACTS_READ}

    def get(self, request: Request) -> Response:
        rows = QUERY.apply(request, _visible(self.caller.user))
        return hal.paginated(
            hal.read_page(request, max_limit=MAX_EVENTS),
            "events",
            rows,
            lambda note: represent(note, request),
        )


class EventView(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.CONTACTS_READ}

    def get(self, request: Request, event_id: int) -> Response:
        note = get_object_or_404(_visible(self.caller.user), pk=event_id)
        return Response(represent(note, request))


def _visible(user: User) -> "QuerySet[Note]":
    readable = Contact.objects.visible_including_merged(user)
    opens = Note.objects.filter(contact__in=readable, note_type=NoteType.LINK_FOLLOWED)
    if user.account_id is not None:  # the index starts with the account
        opens = opens.filter(account=user.account_id)
    events = opens.annotate(entity=Value(ENTITY), creator=Value(0))
    return events.select_related("contact__merged_into")


def represent(note: Note, request: Request) -> resources.Event:
    entity_id = note.contact.root.entity_id
    contact = hal.self_links(request, f"/api/v4/contacts/{entity_id}")
    return resources.Event(
        id=str(note.id),
        type="link_followed",
        entity_id=entity_id,
        entity_type="contact",
        created_by=0,
        created_at=int(note.created_at.timestamp()),
        value_after=[resources.EventValue(resources.NoteId(note.id))],
        value_before=[],
        account_id=note.account_id,
        links=hal.self_links(request, f"/api/v4/events/{note.id}"),
        embedded=resources.EventEmbedded(resources.EventEntity(entity_id, contact)),
    )
