"""`/api/v4/merges`, and merging by hand (ours, pixel §1.4)."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from shortlinks.api import hal, parsing
from shortlinks.api.filters import Filter, ListQuery
from shortlinks.api.parsing import FieldReader
from shortlinks.api.problems import FieldError, ItemErrors, Problem, ValidationFailed
from shortlinks.api.views import ApiView
from shortlinks.domain.auth import permissions
from shortlinks.domain.contacts import contacts
from shortlinks.domain.merging import suggestions, undoing
from shortlinks.domain.merging.undoing import AlreadyUndone, HasLaterMerge, TooOld
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
UNKNOWN = FieldError("NotSupportedChoice", "contacts", parsing.NOT_A_CHOICE)
ONE_ALREADY = "They are one contact already."
Wanted = tuple[list[int], int | None]


class ContactMerge(ApiView):
    """`POST /api/v4/contacts/merge`."""

    scopes: ClassVar[dict[str, Scope]] = {"POST": Scope.CONTACTS_WRITE}

    def post(self, request: Request) -> Response:
        [(request_id, (ids, survivor))] = parsing.read_items(
            parsing.read_object(request), _wanted
        )
        user = self.caller.user
        one, other = (permissions.visible_contact(entity_id, user) for entity_id in ids)
        if one is None or other is None:
            raise ValidationFailed([ItemErrors(request_id, [UNKNOWN])])
        refuse_unless_editable([one, other], user)
        into = one.pk if survivor == ids[0] else other.pk if survivor else None
        merge = suggestions.merge_by_hand(
            one.account_id, (one, other), by=user, into=into
        )
        if merge is None:
            raise Problem(409, ONE_ALREADY)
        return Response(represent(merge, request))


class Merges(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.CONTACTS_READ}

    def get(self, request: Request) -> Response:
        rows = QUERY.apply(request, _readable(self.caller.user))
        return hal.paginated(
            request, "merges", rows, lambda merge: represent(merge, request)
        )


class MergeView(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.CONTACTS_READ}

    def get(self, request: Request, merge_id: int) -> Response:
        merge = get_object_or_404(_readable(self.caller.user), pk=merge_id)
        return Response(represent(merge, request))


class MergeUndo(ApiView):
    """`kept` is what somebody has changed since, and so stays as it is."""

    scopes: ClassVar[dict[str, Scope]] = {"POST": Scope.CONTACTS_WRITE}

    def post(self, request: Request, merge_id: int) -> Response:
        user = self.caller.user
        merge = get_object_or_404(_readable(user), pk=merge_id)
        refuse_unless_editable([merge.survivor.root, merge.loser.root], user)
        try:
            kept = undoing.undo(merge, by=user)
        except AlreadyUndone:
            raise Problem(409, "The merge is undone already.") from None
        except HasLaterMerge as error:
            later = error.later.pk
            raise Problem(409, f"Undo merge {later} first: it came later.") from None
        except TooOld:
            raise Problem(409, "The merge is too old to be undone.") from None
        merge.refresh_from_db()
        names = [{"entity_id": i.contact.entity_id, "field": i.column} for i in kept]
        return Response({**represent(merge, request), "kept": names})


def represent(merge: Merge, request: Request) -> dict[str, Any]:
    return {
        "id": merge.id,
        "rule": merge.rule,
        "survivor_id": merge.survivor.entity_id,
        "merged_id": merge.loser.entity_id,
        "evidence": merge.evidence,
        "state": merge.state,
        "created_by": merge.created_by_id or 0,
        "created_at": int(merge.created_at.timestamp()),
        "undone_by": merge.undone_by_id,
        "undone_at": merge.undone_at and int(merge.undone_at.timestamp()),
        "account_id": merge.account_id,
        "_links": {"self": hal.href(request, f"/api/v4/merges/{merge.id}")},
    }


def refuse_unless_editable(rows: list[Contact], user: User) -> None:
    if not all(contacts.may_edit(row, user) for row in rows):
        raise PermissionDenied("You may not edit these contacts.")


def _readable(user: User) -> "QuerySet[Merge]":
    readable = Contact.objects.visible_including_merged(user)
    merges = Merge.objects.filter(survivor__in=readable, loser__in=readable)
    return merges.select_related("survivor__merged_into", "loser__merged_into")


def _wanted(item: FieldReader) -> Wanted:
    ids = item.ids("contacts", count=2)
    survivor = item.id("survivor_id")
    if survivor is not None and ids and survivor not in ids:
        item.add_error("NotSupportedChoice", "survivor_id", parsing.NOT_A_CHOICE)
    return ids, survivor
