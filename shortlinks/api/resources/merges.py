"""Merges and merge suggestions."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from shortlinks.api.resources.base import Resource, SelfLinks
from shortlinks.api.resources.field_types import (
    CHAT,
    CONTACT,
    MERGE,
    OTHER_CONTACT,
    PIXEL,
    SOURCE_URL,
    SUGGESTION,
    AccountId,
    ContactId,
    Timestamp,
    UserId,
    UserIdOr0,
    choice,
    example,
    id_,
    self_link,
)
from shortlinks.models import MergeRule, MergeState, SuggestionState


class MergeEvidence(Struct, kw_only=True):
    pixel_id: Annotated[int, id_(PIXEL)] | UnsetType = UNSET
    chat_id: Annotated[int, id_(CHAT)] | UnsetType = UNSET
    url: Annotated[str, example(SOURCE_URL, "The URL opened last.")] | UnsetType = UNSET
    opened_at: Timestamp | UnsetType = UNSET


Rule = Annotated[
    str, choice(MergeRule.values, MergeRule.OPENED, "See docs/merge-rules.md.")
]
StoredEvidence = Annotated[
    dict[str, Any],  # as stored
    Meta(extra_json_schema={"$ref": "#/components/schemas/MergeEvidence"}),
]


class Merge(Resource, kw_only=True):
    id: Annotated[int, id_(MERGE)]
    rule: Rule
    survivor_id: ContactId
    merged_id: Annotated[int, id_(OTHER_CONTACT)]
    evidence: StoredEvidence
    state: Annotated[str, choice(MergeState.values, MergeState.APPLIED)]
    created_by: UserIdOr0
    created_at: Timestamp
    undone_by: UserId | None
    undone_at: Timestamp | None
    account_id: AccountId
    links: Annotated[SelfLinks, self_link(f"/api/v4/merges/{MERGE}")]


class KeptField(Struct):
    entity_id: ContactId
    field: Annotated[str, example("name")]


class UndoneMerge(Merge, kw_only=True):
    """A merge that was undone. `kept` lists the fields that were changed since."""

    kept: list[KeptField]


class MergeSuggestion(Resource, kw_only=True):
    id: Annotated[int, id_(SUGGESTION)]
    contacts: Annotated[
        list[ContactId],
        Meta(
            min_length=2,
            max_length=2,
            examples=[[CONTACT, OTHER_CONTACT]],
            extra_json_schema={"uniqueItems": True},
        ),
    ]
    rule: Rule
    evidence: StoredEvidence
    state: Annotated[str, choice(SuggestionState.values, SuggestionState.OPEN)]
    merge_id: Annotated[int, id_(MERGE)] | None
    created_at: Timestamp
    decided_by: UserId | None
    decided_at: Timestamp | None
    account_id: AccountId
    links: Annotated[SelfLinks, self_link(f"/api/v4/merge_suggestions/{SUGGESTION}")]
