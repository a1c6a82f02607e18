"""`/api/v4/merge_suggestions`: who may be one person, for people to decide (ours)."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from shortlinks.api import hal, merges, parsing
from shortlinks.api.filters import Filter, ListQuery
from shortlinks.api.merges import ONE_ALREADY
from shortlinks.api.problems import FieldError, ItemErrors, Problem, ValidationFailed
from shortlinks.api.views import ApiView
from shortlinks.domain.merging import suggestions
from shortlinks.domain.merging.suggestions import AlreadyDecided
from shortlinks.models import Contact, MergeSuggestion, Scope, SuggestionState, User

QUERY = ListQuery(
    filters={
        "id": Filter("id", "ids"),
        "state": Filter("state", "choices", SuggestionState.values),
        "created_at": Filter("created_at", "time"),
    },
    orders={"id": "id", "created_at": "created_at"},
    default=("-id",),
)
NOT_OF_THESE = FieldError("NotSupportedChoice", "survivor_id", parsing.NOT_A_CHOICE)
DECIDED = "The suggestion is decided already."


class MergeSuggestions(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.CONTACTS_READ}

    def get(self, request: Request) -> Response:
        rows = QUERY.apply(request, _readable(self.caller.user))
        return hal.paginated(
            request, "merge_suggestions", rows, lambda row: represent(row, request)
        )


class SuggestionView(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.CONTACTS_READ}

    def get(self, request: Request, suggestion_id: int) -> Response:
        row = get_object_or_404(_readable(self.caller.user), pk=suggestion_id)
        return Response(represent(row, request))


class SuggestionAccept(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {"POST": Scope.CONTACTS_WRITE}

    def post(self, request: Request, suggestion_id: int) -> Response:
        user = self.caller.user
        row = _editable(suggestion_id, user)
        survivor = _survivor(request, row)
        try:
            merge = suggestions.accept(row, by=user, survivor=survivor)
        except AlreadyDecided:
            raise Problem(409, DECIDED) from None
        if merge is None:
            raise Problem(409, ONE_ALREADY)
        return Response(merges.represent(merge, request))


class SuggestionReject(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {"POST": Scope.CONTACTS_WRITE}

    def post(self, request: Request, suggestion_id: int) -> Response:
        user = self.caller.user
        row = _editable(suggestion_id, user)
        try:
            suggestions.reject(row, by=user)
        except AlreadyDecided:
            raise Problem(409, DECIDED) from None
        return Response(represent(_readable(user).get(pk=row.pk), request))


def represent(row: MergeSuggestion, request: Request) -> dict[str, Any]:
    return {
        "id": row.id,
        "contacts": _pair(row),
        "rule": row.rule,
        "evidence": row.evidence,
        "state": row.state,
        "merge_id": row.merge_id,
        "created_at": int(row.created_at.timestamp()),
        "decided_by": row.decided_by_id,
        "decided_at": row.decided_at and int(row.decided_at.timestamp()),
        "account_id": row.account_id,
        "_links": {"self": hal.href(request, f"/api/v4/merge_suggestions/{row.id}")},
    }


def _pair(row: MergeSuggestion) -> list[int]:
    """As they are called now; once they are one, as they were called."""
    pair = (row.one, row.other)
    if row.one.root == row.other.root:
        return [contact.entity_id for contact in pair]
    return [contact.root.entity_id for contact in pair]


def _readable(user: User) -> "QuerySet[MergeSuggestion]":
    readable = Contact.objects.visible_including_merged(user)
    rows = MergeSuggestion.objects.filter(one__in=readable, other__in=readable)
    return rows.select_related("one__merged_into", "other__merged_into")


def _editable(suggestion_id: int, user: User) -> MergeSuggestion:
    row = get_object_or_404(_readable(user), pk=suggestion_id)
    merges.refuse_unless_editable([row.one.root, row.other.root], user)
    return row


def _survivor(request: Request, row: MergeSuggestion) -> int | None:
    """The row of who is to survive, if the body names one of the two."""
    if not request._request.body:
        return None
    [(request_id, entity_id)] = parsing.read_items(
        parsing.read_object(request), lambda item: item.id("survivor_id") or 0
    )
    named = {c.root.entity_id: c.root.pk for c in (row.one, row.other)}
    if entity_id and entity_id not in named:
        raise ValidationFailed([ItemErrors(request_id, [NOT_OF_THESE])])
    return named.get(entity_id)
