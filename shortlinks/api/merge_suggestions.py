"""`/api/v4/merge_suggestions`: contacts that may be one person (not in amoCRM).

A user accepts or rejects each suggestion.
"""

from typing import Any, ClassVar

from django.db.models import Exists, OuterRef, QuerySet
from django.shortcuts import get_object_or_404
from rest_framework.request import Request

from shortlinks.api import hal, merges, parsing, visible_evidence
from shortlinks.api.filters import Filter, ListQuery
from shortlinks.api.hal import Response
from shortlinks.api.merges import ALREADY_MERGED
from shortlinks.api.problems import Problem, ValidationFailed
from shortlinks.api.resources import merges as resources
from shortlinks.api.resources.errors import ItemErrors
from shortlinks.api.views import ApiView
from shortlinks.domain.contacts.contacts import EditForbidden
from shortlinks.domain.merging import suggestions
from shortlinks.domain.merging.suggestions import AlreadyDecided
from shortlinks.models import MergeSuggestion, Scope, SuggestionState, User

QUERY = ListQuery(
    filters={
        "id": Filter("id", "ids"),
        "state": Filter("state", "choices", SuggestionState.values),
        "created_at": Filter("created_at", "time"),
    },
    orders={"id": "id", "created_at": "created_at"},
    default=("-id",),
)
DECIDED = "The suggestion is already decided."


class MergeSuggestions(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.CONTACTS_READ}

    def get(self, request: Request) -> Response:
        rows = QUERY.apply(request, _visible(self.caller.user))
        return hal.paginated(
            hal.read_page(request),
            "merge_suggestions",
            rows,
            lambda row: represent(row, request),
        )


class SuggestionView(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.CONTACTS_READ}

    def get(self, request: Request, suggestion_id: int) -> Response:
        row = get_object_or_404(_visible(self.caller.user), pk=suggestion_id)
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
        except EditForbidden:
            raise Problem(403, merges.FORBIDDEN) from None
        if merge is None:
            raise Problem(409, ALREADY_MERGED)
        return Response(merges.represent(merges.reload(merge, user), request))


class SuggestionReject(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {"POST": Scope.CONTACTS_WRITE}

    def post(self, request: Request, suggestion_id: int) -> Response:
        user = self.caller.user
        row = _editable(suggestion_id, user)
        try:
            suggestions.reject(row, by=user)
        except AlreadyDecided:
            raise Problem(409, DECIDED) from None
        return Response(represent(_visible(user).get(pk=row.pk), request))


def represent(row: MergeSuggestion, request: Request) -> resources.MergeSuggestion:
    return resources.MergeSuggestion(
        id=row.id,
        contacts=_pair(row),
        chat=_chat(row),
        rule=row.rule,
        evidence=visible_evidence.visible_part(row),
        state=row.state,
        merge_id=_merge_id(row),
        created_at=int(row.created_at.timestamp()),
        decided_by=row.decided_by_id,
        decided_at=hal.unix_seconds(row.decided_at),
        account_id=row.account_id,
        links=hal.self_links(request, f"/api/v4/merge_suggestions/{row.id}"),
    )


def _merge_id(row: Any) -> int | None:
    """Return the merge that decided the suggestion, if the caller may view it."""
    return row.merge_id if row.shows_merge else None


def _chat(row: Any) -> resources.SuggestedChat | None:
    chat = row.one_chat or row.other_chat
    return resources.SuggestedChat(**chat) if chat else None


def _pair(row: MergeSuggestion) -> list[int]:
    """Return the current ids, or the former ids once the two are merged."""
    pair = (row.one, row.other)
    if row.one.root == row.other.root:
        return [contact.entity_id for contact in pair]
    return [contact.root.entity_id for contact in pair]


def _visible(user: User) -> "QuerySet[MergeSuggestion]":
    shown = merges.visible(user).filter(pk=OuterRef("merge"))
    visible = MergeSuggestion.objects.visible_to(user).with_chat()
    rows = visible_evidence.annotate(visible.annotate(shows_merge=Exists(shown)), user)
    return rows.select_related("one__merged_into", "other__merged_into")


def _editable(suggestion_id: int, user: User) -> MergeSuggestion:
    row = get_object_or_404(_visible(user), pk=suggestion_id)
    if not suggestions.may_decide(row, user):
        raise Problem(403, merges.FORBIDDEN)
    return row


def _survivor(request: Request, row: MergeSuggestion) -> int | None:
    """Return the row id of the contact that the body names as survivor, if any."""
    if not request._request.body:
        return None
    [(request_id, entity_id)] = parsing.read_items(
        parsing.read_object(request), lambda item: item.id("survivor_id") or 0
    )
    rows_by_entity_id = {c.root.entity_id: c.root.pk for c in (row.one, row.other)}
    if entity_id and entity_id not in rows_by_entity_id:
        error = parsing.not_a_choice("survivor_id", rows_by_entity_id)
        raise ValidationFailed([ItemErrors(request_id, [error])])
    return rows_by_entity_id.get(entity_id)
