"""Consent to recognize a contact's browsers. Opens count with or without it."""

from collections.abc import Collection

from django.db import connection

from shortlinks.domain.postgres import arrays
from shortlinks.models import Contact, PixelMode, TrackingConsent

UNKNOWN, GRANTED, DENIED = 0, 1, 2
CONTACT_DELETED = 3  # the contact is deleted, so not even opens are recorded
DELETED = "deleted"
# The contact's consent, as a key of `CODES`.
SELECTED = f"""CASE WHEN contact.is_deleted THEN '{DELETED}'
  ELSE contact.tracking_consent END"""
# The codes in cached links.
CODES: dict[str, int] = {
    TrackingConsent.UNKNOWN: UNKNOWN,
    TrackingConsent.GRANTED: GRANTED,
    TrackingConsent.DENIED: DENIED,
    DELETED: CONTACT_DELETED,
}

# In the order in which edits and merges lock contacts.
LOCK = f"""
SELECT id, {SELECTED} FROM shortlinks_contact AS contact
WHERE id = ANY(%s::bigint[]) ORDER BY id FOR KEY SHARE
"""  # noqa: S608  constants


def lock(contacts: Collection[int]) -> dict[int, int]:
    """Lock contacts until this transaction ends, and return their consent codes.

    A refusal waits for that, and then detaches browsers that were attached meanwhile.
    """
    if not contacts:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [arrays.encode(sorted(contacts))])
        return {id_: CODES[selected] for id_, selected in cursor}


def of(contact: Contact) -> str:
    """Return what `SELECTED` returns for this contact."""
    return DELETED if contact.is_deleted else contact.tracking_consent


def allows(mode: str, code: int) -> bool:
    """Return whether browsers may be recognized; never in an unknown mode."""
    if mode == PixelMode.ON:
        return code in {UNKNOWN, GRANTED}
    return mode == PixelMode.CONSENT_ONLY and code == GRANTED
