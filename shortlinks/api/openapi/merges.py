"""Merges of contacts, and merge suggestions."""

from shortlinks.api import merge_suggestions, merges
from shortlinks.api.openapi import lists
from shortlinks.api.openapi.operations import Operation, SuccessResponse
from shortlinks.api.openapi.schemas import Json, body, id_, reference
from shortlinks.api.resources.fields import CONTACT, OTHER_CONTACT
from shortlinks.api.resources.merges import Merge, MergeSuggestion, UndoneMerge
from shortlinks.domain.integers import MAX_ID
from shortlinks.models import Scope

TAG = "Merges"
PATH = "/api/v4/merges"
SUGGESTIONS = "/api/v4/merge_suggestions"
TWO_CONTACTS: Json = {
    "type": "array",
    "minItems": 2,
    "maxItems": 2,
    "uniqueItems": True,
    "items": {"type": "integer", "minimum": 1, "maximum": MAX_ID},
    "examples": [[CONTACT, OTHER_CONTACT]],
}
SURVIVOR = {
    "survivor_id": id_(
        CONTACT, description="Defaults to the known contact, or else to the older one."
    )
}
OPERATIONS = (
    Operation(
        id="merge_contacts",
        route="POST /api/v4/contacts/merge",
        scope=Scope.CONTACTS_WRITE,
        summary="Merge two contacts",
        description="The id of the merged contact then leads to the survivor, and its"
        " links keep working. You need permission to edit both contacts. A merge can be"
        " undone.",
        body=body({"contacts": TWO_CONTACTS, **SURVIVOR}, optional=("survivor_id",)),
        response=SuccessResponse("The merge.", reference(Merge)),
        may_return_409=True,
    ),
    Operation(
        id="list_merges",
        route=f"GET {PATH}",
        scope=Scope.CONTACTS_READ,
        summary="List the merges of the contacts that you may view",
        parameters=lists.parameters(merges.QUERY),
        response=lists.response("merges", Merge, PATH),
    ),
    Operation(
        id="get_merge",
        route=f"GET {PATH}/{{merge_id}}",
        scope=Scope.CONTACTS_READ,
        summary="Get one merge with its rule, evidence and state",
        response=SuccessResponse("The merge.", reference(Merge)),
    ),
    Operation(
        id="undo_merge",
        route=f"POST {PATH}/{{merge_id}}/undo",
        scope=Scope.CONTACTS_WRITE,
        summary="Undo a merge and keep the two contacts separate",
        description="Merges can be undone in any order. Later merges of both contacts"
        " remain. Fields that were changed since are not restored. They are listed in"
        " `kept`.",
        response=SuccessResponse("The undone merge.", reference(UndoneMerge)),
        may_return_409=True,
    ),
    Operation(
        id="list_merge_suggestions",
        route=f"GET {SUGGESTIONS}",
        scope=Scope.CONTACTS_READ,
        summary="List the pairs of contacts that may be one person",
        parameters=lists.parameters(merge_suggestions.QUERY),
        response=lists.response("merge_suggestions", MergeSuggestion, SUGGESTIONS),
    ),
    Operation(
        id="get_merge_suggestion",
        route=f"GET {SUGGESTIONS}/{{suggestion_id}}",
        scope=Scope.CONTACTS_READ,
        summary="Get one suggestion",
        response=SuccessResponse("The suggestion.", reference(MergeSuggestion)),
    ),
    Operation(
        id="accept_merge_suggestion",
        route=f"POST {SUGGESTIONS}/{{suggestion_id}}/accept",
        scope=Scope.CONTACTS_WRITE,
        summary="Accept a suggestion and merge the two contacts",
        body=body(SURVIVOR, optional=("survivor_id",)),
        response=SuccessResponse("The merge.", reference(Merge)),
        may_return_409=True,
    ),
    Operation(
        id="reject_merge_suggestion",
        route=f"POST {SUGGESTIONS}/{{suggestion_id}}/reject",
        scope=Scope.CONTACTS_WRITE,
        summary="Reject a suggestion; the pair is never suggested again",
        response=SuccessResponse(
            "The rejected suggestion.", reference(MergeSuggestion)
        ),
        may_return_409=True,
    ),
)
