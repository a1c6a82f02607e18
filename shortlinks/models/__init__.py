from shortlinks.models.accounts import (
    Account,
    AddressMask,
    Group,
    Right,
    SuspectPolicy,
    User,
)
from shortlinks.models.contacts import Contact
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
from shortlinks.models.visits import Heartbeat, SourceKey, Verdict, Visit
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
    "Right",
    "Scope",
    "ShortLink",
    "SourceKey",
    "SuspectPolicy",
    "User",
    "Verdict",
    "Visit",
    "Webhook",
    "WebhookDelivery",
    "WebhookEvent",
]
