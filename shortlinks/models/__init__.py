from shortlinks.models.accounts import (
    Account,
    AddressMask,
    Group,
    PixelMode,
    Right,
    SuspectPolicy,
    User,
)
from shortlinks.models.contacts import Contact, TrackingConsent
from shortlinks.models.links import DailyVisits, ShortLink
from shortlinks.models.notes import Note, NoteType
from shortlinks.models.pixels import Evidence, Pixel, PixelAttachment
from shortlinks.models.tokens import (
    ApiToken,
    GrantKind,
    Integration,
    OAuthGrant,
    Scope,
)
from shortlinks.models.visits import Heartbeat, Revision, SourceKey, Verdict, Visit
from shortlinks.models.webhooks import (
    DeliveryState,
    Webhook,
    WebhookDelivery,
    WebhookEvent,
)

__all__ = [
    "Account",
    "AddressMask",
    "ApiToken",
    "Contact",
    "DailyVisits",
    "DeliveryState",
    "Evidence",
    "GrantKind",
    "Group",
    "Heartbeat",
    "Integration",
    "Note",
    "NoteType",
    "OAuthGrant",
    "Pixel",
    "PixelAttachment",
    "PixelMode",
    "Revision",
    "Right",
    "Scope",
    "ShortLink",
    "SourceKey",
    "SuspectPolicy",
    "TrackingConsent",
    "User",
    "Verdict",
    "Visit",
    "Webhook",
    "WebhookDelivery",
    "WebhookEvent",
]
