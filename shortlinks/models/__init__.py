from shortlinks.models.accounts import (
    Account,
    AddressMask,
    Group,
    MergeMode,
    PixelMode,
    Right,
    SuspectPolicy,
    User,
)
from shortlinks.models.chats import Chat
from shortlinks.models.contacts import Contact, TrackingConsent
from shortlinks.models.imports import (
    UNDER_WAY,
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
    MergeItem,
    MergeRule,
    MergeState,
    MergeSuggestion,
    SeparatePair,
    SuggestionState,
)
from shortlinks.models.notes import Note, NoteType
from shortlinks.models.pixels import Evidence, Pixel, PixelAttachment, Standing
from shortlinks.models.sites import ConnectedSite, Redemption, ShortDomain
from shortlinks.models.sums import AccountDay, CountChange, LastOpen, UrlDay
from shortlinks.models.tokens import (
    ApiToken,
    GrantKind,
    Integration,
    OAuthGrant,
    Scope,
)
from shortlinks.models.visits import (
    Heartbeat,
    Revision,
    SourceKey,
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
    "UNDER_WAY",
    "Account",
    "AccountDay",
    "AddressMask",
    "ApiToken",
    "Chat",
    "ConnectedSite",
    "Contact",
    "CountChange",
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
    "LastOpen",
    "Merge",
    "MergeCheck",
    "MergeItem",
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
    "Revision",
    "Right",
    "Scope",
    "SeparatePair",
    "ShortDomain",
    "ShortLink",
    "SourceKey",
    "Standing",
    "SuggestionState",
    "SuspectPolicy",
    "TrackingConsent",
    "UrlDay",
    "User",
    "Verdict",
    "Visit",
    "Watermark",
    "Webhook",
    "WebhookDelivery",
    "WebhookEvent",
]
