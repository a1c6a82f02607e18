"""`GET /api/v4/events`: that links were opened, as the original tells it."""

from typing import Any, ClassVar

from django.db.models import QuerySet, Value
from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from shortlinks.api import hal
from shortlinks.api.filters import Filter, ListQuery
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
    """An event for each note of an open; whoever sees the note sees the event."""

    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.CONTACTS_READ}

    def get(self, request: Request) -> Response:
        rows = QUERY.apply(request, _visible(self.caller.user))
        return hal.paginated(
            request,
            "events",
            rows,
            lambda note: represent(note, request),
            most=MAX_EVENTS,
        )


class EventView(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.CONTACTS_READ}

    def get(self, request: Request, event_id: int) -> Response:
        note = get_object_or_404(_visible(self.caller.user), pk=event_id)
        return Response(represent(note, request))


def _visible(user: User) -> "QuerySet[Note]":
    readable = Contact.objects.visible_including_merged(user)
    opens = Note.objects.filter(contact__in=readable, note_type=NoteType.LINK_FOLLOWED)
    if user.account_id is not None:  # what the index is by
        opens = opens.filter(account=user.account_id)
    told = opens.annotate(entity=Value(ENTITY), creator=Value(0))
    return told.select_related("contact__merged_into")


def represent(note: Note, request: Request) -> dict[str, Any]:
    entity_id = note.contact.root.entity_id
    contact = hal.href(request, f"/api/v4/contacts/{entity_id}")
    return {
        "id": str(note.id),
        "type": note.note_type,
        "entity_id": entity_id,
        "entity_type": ENTITY,
        "created_by": 0,
        "created_at": int(note.created_at.timestamp()),
        "value_after": [{"note": {"id": note.id}}],
        "value_before": [],
        "account_id": note.account_id,
        "_links": {"self": hal.href(request, f"/api/v4/events/{note.id}")},
        "_embedded": {
            "entity": {"id": entity_id, "_links": {"self": contact}},
        },
    }
