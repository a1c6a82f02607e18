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
from shortlinks.models.sites import ConnectedSite, Redemption, ShortDomain
from shortlinks.models.tokens import (
    ApiToken,
    GrantKind,
    Integration,
    OAuthGrant,
    Scope,
)
from shortlinks.models.visits import Heartbeat, Revision, SourceKey, Verdict, Visit

__all__ = [
    "Account",
    "AddressMask",
    "ApiToken",
    "ConnectedSite",
    "Contact",
    "DailyVisits",
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
    "Redemption",
    "Revision",
    "Right",
    "Scope",
    "ShortDomain",
    "ShortLink",
    "SourceKey",
    "SuspectPolicy",
    "TrackingConsent",
    "User",
    "Verdict",
    "Visit",
]
