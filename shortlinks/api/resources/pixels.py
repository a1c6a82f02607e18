"""Browsers and chats."""

from typing import Annotated

from msgspec import Struct

from shortlinks.api.resources.base import Resource, SelfLinks
from shortlinks.api.resources.field_types import (
    CHAT,
    CONTACT,
    NO_NUL,
    PIXEL,
    VISITOR_UID,
    AccountId,
    Timestamp,
    VisitorUid,
    choice,
    example,
    id_,
    self_link,
)
from shortlinks.models import AttachmentReview, Evidence, MergeRule


class Pixel(Struct, kw_only=True):
    """A browser that opened links of a contact."""

    id: Annotated[int, id_(PIXEL)]
    visitor_uid: Annotated[str, example(VISITOR_UID)]
    evidence: Annotated[str, choice(Evidence.values, Evidence.CLICK)]
    review: Annotated[
        str,
        choice(
            AttachmentReview.values,
            AttachmentReview.CONFIRMED,
            "A user's decision: is this the client's browser?",
        ),
    ]
    first_seen_at: Timestamp
    last_seen_at: Timestamp


class Visitor(Struct):
    visitor_uid: (
        Annotated[str, example(VISITOR_UID, pattern=NO_NUL, maxLength=26)] | None
    )


class Chat(Resource, kw_only=True):
    id: Annotated[int, id_(CHAT)]
    source: Annotated[str, example("site")]
    external_id: Annotated[str, example("visitor-42")]
    title: Annotated[str, example("Anna")]
    visitor_uid: VisitorUid | None
    entity_id: Annotated[int, id_(CONTACT, "The chat's contact after all merges.")]
    is_anonymous: Annotated[
        bool, example(value=False, description="Not a known contact.")
    ]
    created_at: Timestamp
    updated_at: Timestamp
    account_id: AccountId
    links: Annotated[SelfLinks, self_link(f"/api/v4/chats/{CHAT}")]


class MergeDecision(Struct, kw_only=True):
    """The result of the merge rules for a chat."""

    merged: Annotated[
        bool, example(value=True, description="The chat joined a known contact.")
    ]
    suggested: Annotated[int, example(0, "New or open suggestions.", minimum=0)]
    rule: Annotated[str, choice(MergeRule.values, MergeRule.CHAT)] | None
    reason: (
        Annotated[str, example("the chat names no browser", "Why nothing was merged.")]
        | None
    )


class DecidedChat(Chat, kw_only=True):
    decision: MergeDecision
