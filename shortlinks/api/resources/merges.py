"""Merges and merge suggestions."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from shortlinks.api.resources import fields
from shortlinks.models import MergeFact, MergeRule, MergeState, SuggestionState


class MergeEvidence(Struct, kw_only=True):
    """Facts about one contact in a browser, and its opens, when this was decided.

    The facts of an open suggestion are updated.
    """

    pixel_id: Annotated[int, fields.id_(fields.PIXEL)] | UnsetType = UNSET
    chat_id: Annotated[int, fields.id_(fields.CHAT)] | UnsetType = UNSET
    url: (
        Annotated[str, fields.example(fields.SOURCE_URL, "The URL opened last.")]
        | UnsetType
    ) = UNSET
    opened_at: fields.Timestamp | UnsetType = UNSET
    visits: (
        Annotated[
            list[Annotated[str, Meta(extra_json_schema={"format": "uuid"})]],
            Meta(
                examples=[["0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b"]],
                description="The visits on which the merge rests: if one of them is"
                " withdrawn, so is the merge.",
            ),
        ]
        | UnsetType
    ) = UNSET
    entity_id: (
        Annotated[int, fields.id_(fields.CONTACT, "The contact of the facts.")]
        | UnsetType
    ) = UNSET
    facts: (
        Annotated[
            list[Annotated[str, fields.choice(MergeFact.values, MergeFact.RETURNING)]],
            Meta(
                examples=[[MergeFact.RETURNING.value, MergeFact.CHATTED.value]],
                description="The facts that hold, see docs/merge-rules.md.",
            ),
        ]
        | UnsetType
    ) = UNSET
    first_seen_at: fields.Timestamp | UnsetType = UNSET
    last_seen_at: fields.Timestamp | UnsetType = UNSET


Rule = Annotated[
    str, fields.choice(MergeRule.values, MergeRule.OPENED, "See docs/merge-rules.md.")
]
StoredEvidence = Annotated[
    dict[str, Any],  # as stored
    Meta(extra_json_schema={"$ref": "#/components/schemas/MergeEvidence"}),
]


class Merge(fields.Resource, kw_only=True):
    id: Annotated[int, fields.id_(fields.MERGE)]
    rule: Rule
    survivor_id: fields.ContactId
    merged_id: Annotated[int, fields.id_(fields.OTHER_CONTACT)]
    evidence: StoredEvidence
    state: Annotated[str, fields.choice(MergeState.values, MergeState.APPLIED)]
    created_by: fields.UserIdOr0
    created_at: fields.Timestamp
    undone_by: fields.UserId | None
    undone_at: fields.Timestamp | None
    account_id: fields.AccountId
    links: Annotated[
        fields.SelfLinks, fields.self_link(f"/api/v4/merges/{fields.MERGE}")
    ]


class KeptField(Struct):
    entity_id: fields.ContactId
    field: Annotated[str, fields.example("name")]


class UndoneMerge(Merge, kw_only=True):
    """A merge that was undone. `kept` lists the fields that were changed since."""

    kept: list[KeptField]


class SuggestedChat(Struct):
    """The latest chat of the anonymous contact, which you may be unable to view."""

    source: Annotated[str, fields.example("site")]
    title: Annotated[str, fields.example("Anna")]


class MergeSuggestion(fields.Resource, kw_only=True):
    id: Annotated[int, fields.id_(fields.SUGGESTION)]
    contacts: Annotated[
        list[fields.ContactId],
        Meta(
            min_length=2,
            max_length=2,
            examples=[[fields.CONTACT, fields.OTHER_CONTACT]],
            extra_json_schema={"uniqueItems": True},
        ),
    ]
    chat: SuggestedChat | None
    rule: Rule
    evidence: StoredEvidence
    state: Annotated[str, fields.choice(SuggestionState.values, SuggestionState.OPEN)]
    merge_id: Annotated[int, fields.id_(fields.MERGE)] | None
    created_at: fields.Timestamp
    decided_by: fields.UserId | None
    decided_at: fields.Timestamp | None
    account_id: fields.AccountId
    links: Annotated[
        fields.SelfLinks,
        fields.self_link(f"/api/v4/merge_suggestions/{fields.SUGGESTION}"),
    ]
