"""Consent to recognize a contact's browsers. Opens count with or without it."""

from shortlinks.models import Contact, PixelMode, TrackingConsent

UNKNOWN, GRANTED, DENIED = 0, 1, 2
NOTHING = 3  # the contact is deleted, so not even opens are recorded
DELETED = "deleted"
# The contact's consent, as a key of `CODES`.
SELECTED = f"""CASE WHEN contact.is_deleted THEN '{DELETED}'
  ELSE contact.tracking_consent END"""
# The codes in cached links.
CODES: dict[str, int] = {
    TrackingConsent.UNKNOWN: UNKNOWN,
    TrackingConsent.GRANTED: GRANTED,
    TrackingConsent.DENIED: DENIED,
    DELETED: NOTHING,
}


def of(contact: Contact) -> str:
    """Return the same as `SELECTED`, of a row."""
    return DELETED if contact.is_deleted else contact.tracking_consent


def allows(mode: str, code: int) -> bool:
    """Return whether browsers may be recognized; never in an unknown mode."""
    if mode == PixelMode.ON:
        return code in {UNKNOWN, GRANTED}
    return mode == PixelMode.CONSENT_ONLY and code == GRANTED
