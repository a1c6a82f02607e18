"""`/api/v4/merges`, and merging two contacts by hand (not in amoCRM)."""

from typing import ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from msgspec import structs
from rest_framework.request import Request

from shortlinks.api import hal, parsing, visible_evidence
from shortlinks.api.filters import Filter, ListQuery
from shortlinks.api.hal import Response
from shortlinks.api.parsing import FieldReader
from shortlinks.api.problems import Problem, ValidationFailed
from shortlinks.api.resources import merges as resources
from shortlinks.api.resources.errors import ItemErrors
from shortlinks.api.views import ApiView
from shortlinks.domain.auth import permissions
from shortlinks.domain.contacts import contacts
from shortlinks.domain.contacts.contacts import EditForbidden
from shortlinks.domain.merging import suggestions, undoing
from shortlinks.domain.merging.undoing import AlreadyUndone, TooOld
from shortlinks.models import Contact, Merge, MergeState, Scope, User

QUERY = ListQuery(
    filters={
        "id": Filter("id", "ids"),
        "state": Filter("state", "choices", MergeState.values),
        "entity_id": Filter("survivor", "contacts"),
        "created_at": Filter("created_at", "time"),
    },
    orders={"id": "id", "created_at": "created_at"},
)
FORBIDDEN = "You do not have permission to edit these contacts."
ALREADY_MERGED = "The two contacts are already merged."
MergeRequest = tuple[list[int], int | None]


class ContactMerge(ApiView):
    """`POST /api/v4/contacts/merge`."""

    scopes: ClassVar[dict[str, Scope]] = {"POST": Scope.CONTACTS_WRITE}

    def post(self, request: Request) -> Response:
        [(request_id, (ids, survivor))] = parsing.read_items(
            parsing.read_object(request), _merge_request
        )
        user = self.caller.user
        one, other = _visible_pair(ids, user, request_id)
        require_editable([one, other], user)
        into = one.pk if survivor == ids[0] else other.pk if survivor else None
        try:
            merge = suggestions.merge_by_hand(
                one.account_id, (one, other), by=user, into=into
            )
        except EditForbidden:
            raise Problem(403, FORBIDDEN) from None
        if merge is None:
            raise Problem(409, ALREADY_MERGED)
        return Response(represent(reload(merge, user), request))


class Merges(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.CONTACTS_READ}

    def get(self, request: Request) -> Response:
        rows = QUERY.apply(request, visible(self.caller.user))
        return hal.paginated(
            hal.read_page(request),
            "merges",
            rows,
            lambda merge: represent(merge, request),
        )


class MergeView(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.CONTACTS_READ}

    def get(self, request: Request, merge_id: int) -> Response:
        merge = get_object_or_404(visible(self.caller.user), pk=merge_id)
        return Response(represent(merge, request))


class MergeUndo(ApiView):
    """The endpoint that undoes a merge. `kept` lists fields that were changed since."""

    scopes: ClassVar[dict[str, Scope]] = {"POST": Scope.CONTACTS_WRITE}

    def post(self, request: Request, merge_id: int) -> Response:
        user = self.caller.user
        merge = get_object_or_404(visible(user), pk=merge_id)
        require_editable([merge.survivor.root, merge.loser.root], user)
        try:
            kept = undoing.undo(merge, by=user)
        except AlreadyUndone:
            raise Problem(409, "The merge is already undone.") from None
        except TooOld:
            detail = f"The merge is older than {undoing.UNDO_WINDOW.days} days."
            raise Problem(409, detail) from None
        merge = reload(merge, user)
        fields = [resources.KeptField(i.contact.entity_id, i.column) for i in kept]
        undone = structs.asdict(represent(merge, request))
        return Response(resources.UndoneMerge(**undone, kept=fields))


def represent(merge: Merge, request: Request) -> resources.Merge:
    return resources.Merge(
        id=merge.id,
        rule=merge.rule,
        survivor_id=merge.survivor.entity_id,
        merged_id=merge.loser.entity_id,
        evidence=visible_evidence.visible_part(merge),
        state=merge.state,
        created_by=merge.created_by_id or 0,
        created_at=int(merge.created_at.timestamp()),
        undone_by=merge.undone_by_id,
        undone_at=hal.unix_seconds(merge.undone_at),
        account_id=merge.account_id,
        links=hal.self_links(request, f"/api/v4/merges/{merge.id}"),
    )


def require_editable(rows: list[Contact], user: User) -> None:
    if not all(contacts.may_edit(row, user) for row in rows):
        raise Problem(403, FORBIDDEN)


def reload(merge: Merge, user: User) -> Merge:
    """Return a merge that the user made or undid, with the columns for `represent`.

    It is not restricted by `visible`: the user may now be unable to view a contact.
    """
    rows = visible_evidence.annotate(Merge.objects.filter(pk=merge.pk), user)
    return rows.select_related("survivor__merged_into", "loser__merged_into").get()


def visible(user: User) -> "QuerySet[Merge]":
    """Return the merges that the user may view, with the columns for `represent`."""
    readable = Contact.objects.visible_including_merged(user)
    merges = Merge.objects.filter(survivor__in=readable, loser__in=readable)
    merges = visible_evidence.annotate(merges, user)
    return merges.select_related("survivor__merged_into", "loser__merged_into")


def _visible_pair(
    ids: list[int], user: User, request_id: str
) -> tuple[Contact, Contact]:
    """Return both contacts, or raise an error for each that the user may not view."""
    one, other = (permissions.visible_contact(entity_id, user) for entity_id in ids)
    if one is None or other is None:
        pairs = zip(ids, (one, other), strict=True)
        errors = [
            parsing.unavailable_contact(f"contacts.{index}", entity_id)
            for index, (entity_id, contact) in enumerate(pairs)
            if contact is None
        ]
        raise ValidationFailed([ItemErrors(request_id, errors)])
    return one, other


def _merge_request(item: FieldReader) -> MergeRequest:
    ids = item.ids("contacts", count=2)
    survivor = item.id("survivor_id")
    if survivor is not None and ids and survivor not in ids:
        item.add_choice_error("survivor_id", ids)
    return ids, survivor
