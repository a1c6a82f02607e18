"""Browsers and chats."""

from enum import StrEnum
from typing import Annotated

from msgspec import Struct

from shortlinks.api.resources import fields
from shortlinks.models import AttachmentReview, Evidence, MergeRule


class Pixel(Struct, kw_only=True):
    """A browser that opened links of a contact."""

    id: Annotated[int, fields.id_(fields.PIXEL)]
    visitor_uid: Annotated[str, fields.example(fields.VISITOR_UID)]
    evidence: Annotated[str, fields.choice(Evidence.values, Evidence.CLICK)]
    review: Annotated[
        str,
        fields.choice(
            AttachmentReview.values,
            AttachmentReview.CONFIRMED,
            "A user's decision: is this the client's browser?",
        ),
    ]
    first_seen_at: fields.Timestamp
    last_seen_at: fields.Timestamp


class Visitor(Struct):
    visitor_uid: (
        Annotated[
            str, fields.example(fields.VISITOR_UID, pattern=fields.NO_NUL, maxLength=26)
        ]
        | None
    )


class Chat(fields.Resource, kw_only=True):
    id: Annotated[int, fields.id_(fields.CHAT)]
    source: Annotated[str, fields.example("site")]
    external_id: Annotated[str, fields.example("visitor-42")]
    title: Annotated[str, fields.example("Anna")]
    visitor_uid: fields.VisitorUid | None
    entity_id: Annotated[
        int, fields.id_(fields.CONTACT, "The chat's contact after all merges.")
    ]
    is_anonymous: Annotated[
        bool, fields.example(value=False, description="Not a known contact.")
    ]
    created_at: fields.Timestamp
    updated_at: fields.Timestamp
    account_id: fields.AccountId
    links: Annotated[fields.SelfLinks, fields.self_link(f"/api/v4/chats/{fields.CHAT}")]


class DecisionState(StrEnum):
    """The result of the merge rules; a pending one follows within two minutes."""

    PENDING = "pending"
    MERGED = "merged"
    SUGGESTED = "suggested"
    NONE = "none"


class MergeDecision(Struct, kw_only=True):
    """The result of the merge rules for a chat.

    It is pending while an open in the chat's browser is processed, or may still be part
    of a burst. Then a worker decides, about ten seconds after the open.
    """

    state: Annotated[str, fields.choice(list(DecisionState), DecisionState.MERGED)]
    merged: Annotated[
        bool, fields.example(value=True, description="The chat joined a known contact.")
    ]
    suggested: Annotated[int, fields.example(0, "New or open suggestions.", minimum=0)]
    rule: Annotated[str, fields.choice(MergeRule.values, MergeRule.CHAT)] | None
    reason: (
        Annotated[
            str,
            fields.example("the chat has no visitor_uid", "Why nothing was merged."),
        ]
        | None
    )


class DecidedChat(Chat, kw_only=True):
    entity_id: (  # type: ignore[assignment]
        Annotated[
            int,
            fields.id_(
                fields.CONTACT, "The chat's contact; null if you may not view it."
            ),
        ]
        | None
    )
    decision: MergeDecision
