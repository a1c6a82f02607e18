"""Whether a person's browsers may be recognised: the account's mode, the person's word.

Not whether an open counts: who objects to being recognised has opened the link all the
same (pixel §1.3).
"""

from shortlinks.models import PixelMode, TrackingConsent

UNKNOWN, GRANTED, DENIED = 0, 1, 2
# As redirects keep it for each link.
CODES: dict[str, int] = {
    TrackingConsent.UNKNOWN: UNKNOWN,
    TrackingConsent.GRANTED: GRANTED,
    TrackingConsent.DENIED: DENIED,
}


def allows(mode: str, said: int) -> bool:
    """A mode that is not known, of a newer release perhaps, allows nothing."""
    if mode == PixelMode.ON:
        return said != DENIED
    return mode == PixelMode.CONSENT_ONLY and said == GRANTED
