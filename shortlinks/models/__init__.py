from shortlinks.models.accounts import (
    Account,
    AddressMask,
    Group,
    MergeMode,
    PixelMode,
    AccessLevel,
    SuspectPolicy,
    User,
)
from shortlinks.models.chats import Chat
from shortlinks.models.contacts import Contact, TrackingConsent
from shortlinks.models.imports import (
    IN_PROGRESS,
    Import,
    ImportFile,
    ImportKind,
    ImportRow,
    ImportState,
)
from shortlinks.models.links import DailyVisits, ShortLink
from shortlinks.models.merges import (
    Merge,
    MergeCheck,
    MergeChange,
    MergeRule,
    MergeState,
    MergeSuggestion,
    SeparatePair,
    SuggestionState,
)
from shortlinks.models.notes import Note, NoteType
from shortlinks.models.pixels import Evidence, Pixel, PixelAttachment, AttachmentReview
from shortlinks.models.sites import ConnectedSite, Redemption, ShortDomain
from shortlinks.models.sums import AccountDailyVisits, DailyVisitsDelta, LinkLastOpen, UrlDailyOpens
from shortlinks.models.tokens import (
    ApiToken,
    GrantKind,
    Integration,
    OAuthGrant,
    Scope,
)
from shortlinks.models.visits import (
    Heartbeat,
    ReevaluationBatch,
    DailySalt,
    Verdict,
    Visit,
    Watermark,
)
from shortlinks.models.webhooks import (
    DeliveryState,
    Webhook,
    WebhookDelivery,
    WebhookEvent,
)

__all__ = [
    "IN_PROGRESS",
    "Account",
    "AccountDailyVisits",
    "AddressMask",
    "ApiToken",
    "Chat",
    "ConnectedSite",
    "Contact",
    "DailyVisitsDelta",
    "DailyVisits",
    "DeliveryState",
    "Evidence",
    "GrantKind",
    "Group",
    "Heartbeat",
    "Import",
    "ImportFile",
    "ImportKind",
    "ImportRow",
    "ImportState",
    "Integration",
    "LinkLastOpen",
    "Merge",
    "MergeCheck",
    "MergeChange",
    "MergeMode",
    "MergeRule",
    "MergeState",
    "MergeSuggestion",
    "Note",
    "NoteType",
    "OAuthGrant",
    "Pixel",
    "PixelAttachment",
    "PixelMode",
    "Redemption",
    "ReevaluationBatch",
    "AccessLevel",
    "Scope",
    "SeparatePair",
    "ShortDomain",
    "ShortLink",
    "DailySalt",
    "AttachmentReview",
    "SuggestionState",
    "SuspectPolicy",
    "TrackingConsent",
    "UrlDailyOpens",
    "User",
    "Verdict",
    "Visit",
    "Watermark",
    "Webhook",
    "WebhookDelivery",
    "WebhookEvent",
]
