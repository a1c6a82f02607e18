"""Merges of contacts, and what is suggested to people."""

from shortlinks.api import merge_suggestions, merges
from shortlinks.api.openapi import lists
from shortlinks.api.openapi.operations import (
    ACCOUNT,
    CHAT,
    CONTACT,
    MERGE,
    OTHER,
    PIXEL,
    SUGGESTION,
    USER,
    Operation,
    SuccessResponse,
)
from shortlinks.api.openapi.schemas import (
    Schema,
    array,
    choice,
    extended,
    id_,
    id_or_0,
    links,
    named,
    nullable,
    object_,
    text,
    timestamp,
)
from shortlinks.api.parsing import MAX_ID
from shortlinks.models import MergeRule, MergeState, Scope, SuggestionState

TAG = "Merges"
PATH = "/api/v4/merges"
SUGGESTIONS = "/api/v4/merge_suggestions"
RULE = choice(MergeRule.values, MergeRule.OPENED, description="Of docs/merge-rules.md.")
EVIDENCE = named(
    "MergeEvidence",
    object_(
        {
            "pixel_id": id_(PIXEL),
            "chat_id": id_(CHAT),
            "url": text("https://www.yandex.ru", description="What was opened last."),
            "opened_at": timestamp(),
        },
        optional=("pixel_id", "chat_id", "url", "opened_at"),
    ),
)
MERGE_SCHEMA = named(
    "Merge",
    object_(
        {
            "id": id_(MERGE),
            "rule": RULE,
            "survivor_id": id_(CONTACT),
            "merged_id": id_(OTHER),
            "evidence": EVIDENCE,
            "state": choice(MergeState.values, MergeState.APPLIED),
            "created_by": id_or_0(USER),
            "created_at": timestamp(),
            "undone_by": nullable(id_(USER)),
            "undone_at": nullable(timestamp()),
            "account_id": id_(ACCOUNT),
            "_links": links(f"{PATH}/{MERGE}"),
        }
    ),
)
KEPT = object_({"entity_id": id_(CONTACT), "field": text("name")})
# Two different ones in the example: an array's own would name one.
TWO = Schema(
    {
        "type": "array",
        "minItems": 2,
        "maxItems": 2,
        "uniqueItems": True,
        "items": {"type": "integer", "minimum": 1, "maximum": MAX_ID},
    },
    [CONTACT, OTHER],
)
SUGGESTION_SCHEMA = named(
    "MergeSuggestion",
    object_(
        {
            "id": id_(SUGGESTION),
            "contacts": TWO,
            "rule": RULE,
            "evidence": EVIDENCE,
            "state": choice(SuggestionState.values, SuggestionState.OPEN),
            "merge_id": nullable(id_(MERGE)),
            "created_at": timestamp(),
            "decided_by": nullable(id_(USER)),
            "decided_at": nullable(timestamp()),
            "account_id": id_(ACCOUNT),
            "_links": links(f"{SUGGESTIONS}/{SUGGESTION}"),
        }
    ),
)
SURVIVOR = object_(
    {"survivor_id": id_(CONTACT, description="Else the known one, else the older.")},
    optional=("survivor_id",),
)
OPERATIONS = (
    Operation(
        id="merge_contacts",
        tag=TAG,
        method="POST",
        path="/api/v4/contacts/merge",
        scope=Scope.CONTACTS_WRITE,
        summary="Merge two contacts",
        description="The merged one's id answers with the survivor from then on; its"
        " links lead on. Needs the right to edit both. Can be undone.",
        body=object_(
            {"contacts": TWO, **SURVIVOR.properties},
            optional=("survivor_id",),
        ),
        answer=SuccessResponse("The merge.", MERGE_SCHEMA),
        conflicts=True,
    ),
    Operation(
        id="list_merges",
        tag=TAG,
        method="GET",
        path=PATH,
        scope=Scope.CONTACTS_READ,
        summary="Merges of the contacts that you may view",
        parameters=lists.parameters(merges.QUERY),
        answer=lists.answer("merges", MERGE_SCHEMA, PATH),
    ),
    Operation(
        id="get_merge",
        tag=TAG,
        method="GET",
        path=f"{PATH}/{{merge_id}}",
        scope=Scope.CONTACTS_READ,
        summary="One merge: rule, evidence, state",
        answer=SuccessResponse("The merge.", MERGE_SCHEMA),
    ),
    Operation(
        id="undo_merge",
        tag=TAG,
        method="POST",
        path=f"{PATH}/{{merge_id}}/undo",
        scope=Scope.CONTACTS_WRITE,
        summary="Undo a merge, and keep the two apart",
        description="The latest first: 409 names a merge that came later. What was"
        " changed since stays, and is in `kept`.",
        answer=SuccessResponse(
            "The merge, undone.",
            extended(MERGE_SCHEMA, {"kept": array(KEPT)}),
        ),
        conflicts=True,
    ),
    Operation(
        id="list_merge_suggestions",
        tag=TAG,
        method="GET",
        path=SUGGESTIONS,
        scope=Scope.CONTACTS_READ,
        summary="Pairs of contacts that may be one person",
        parameters=lists.parameters(merge_suggestions.QUERY),
        answer=lists.answer("merge_suggestions", SUGGESTION_SCHEMA, SUGGESTIONS),
    ),
    Operation(
        id="get_merge_suggestion",
        tag=TAG,
        method="GET",
        path=f"{SUGGESTIONS}/{{suggestion_id}}",
        scope=Scope.CONTACTS_READ,
        summary="One suggestion",
        answer=SuccessResponse("The suggestion.", SUGGESTION_SCHEMA),
    ),
    Operation(
        id="accept_merge_suggestion",
        tag=TAG,
        method="POST",
        path=f"{SUGGESTIONS}/{{suggestion_id}}/accept",
        scope=Scope.CONTACTS_WRITE,
        summary="They are one person: merge them",
        body=SURVIVOR,
        answer=SuccessResponse("The merge.", MERGE_SCHEMA),
        conflicts=True,
    ),
    Operation(
        id="reject_merge_suggestion",
        tag=TAG,
        method="POST",
        path=f"{SUGGESTIONS}/{{suggestion_id}}/reject",
        scope=Scope.CONTACTS_WRITE,
        summary="They are two: never suggest it again",
        answer=SuccessResponse("The suggestion, rejected.", SUGGESTION_SCHEMA),
        conflicts=True,
    ),
)
