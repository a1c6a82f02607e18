from shortlinks.models.accounts import (
    AccessLevel,
    Account,
    AddressMask,
    Group,
    MergeMode,
    PixelMode,
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
    MergeChange,
    MergeCheck,
    MergeRule,
    MergeState,
    MergeSuggestion,
    SeparatePair,
    SuggestionState,
)
from shortlinks.models.notes import Note, NoteType
from shortlinks.models.pixels import AttachmentReview, Evidence, Pixel, PixelAttachment
from shortlinks.models.rollups import (
    AccountDailyVisits,
    DailyVisitsDelta,
    LinkLastOpen,
    UrlDailyOpens,
)
from shortlinks.models.sites import ConnectedSite, Redemption, ShortDomain
from shortlinks.models.tokens import (
    ApiToken,
    GrantKind,
    Integration,
    OAuthGrant,
    Scope,
)
from shortlinks.models.visits import (
    DailySalt,
    Heartbeat,
    ReevaluationBatch,
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
    "AccessLevel",
    "Account",
    "AccountDailyVisits",
    "AddressMask",
    "ApiToken",
    "AttachmentReview",
    "Chat",
    "ConnectedSite",
    "Contact",
    "DailySalt",
    "DailyVisits",
    "DailyVisitsDelta",
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
    "MergeChange",
    "MergeCheck",
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
    "Scope",
    "SeparatePair",
    "ShortDomain",
    "ShortLink",
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
