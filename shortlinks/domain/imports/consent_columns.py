"""The consent in a row of a contact import."""

import contextlib
import re
from collections.abc import Mapping
from datetime import datetime, tzinfo

from django.utils import timezone
from django.utils.translation import gettext_noop

from shortlinks.domain.contacts.tracking_consent import MAX_CLOCK_ERROR, ConsentAnswer
from shortlinks.models import ConsentChannel, TrackingConsent
from shortlinks.models.consents import MAX_SOURCE_LENGTH, MAX_TEXT_VERSION_LENGTH

CONSENT, SOURCE = "tracking_consent", "consent_source"
TEXT_VERSION, GIVEN_AT = "consent_text_version", "consent_given_at"
COLUMNS = (CONSENT, SOURCE, TEXT_VERSION, GIVEN_AT)
HEADERS = {
    **{name: name for name in COLUMNS},
    "согласие на отслеживание": CONSENT,
    "согласие": CONSENT,
    "источник согласия": SOURCE,
    "версия текста": TEXT_VERSION,
    "дата согласия": GIVEN_AT,
}
CONSENTS = {
    **{value: value for value in TrackingConsent.values},
    "not asked": TrackingConsent.UNKNOWN,
    "given": TrackingConsent.GRANTED,
    "refused": TrackingConsent.DENIED,
    "не запрашивалось": TrackingConsent.UNKNOWN,
    "получено": TrackingConsent.GRANTED,
    "отказ": TrackingConsent.DENIED,
}
DAY_FIRST = ("%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S")
MIN_YEAR = 1970
ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

UNKNOWN_CONSENT = gettext_noop("The consent must be granted, denied or unknown.")
UNKNOWN_TIME = gettext_noop(
    "The date of the consent must look like 2026-09-01 or 01.09.2026."
)
FUTURE_TIME = gettext_noop("The date of the consent is in the future.")
CONSENT_MISSING = gettext_noop(
    "The row describes a consent, but the column tracking_consent is empty."
)
TOO_LONG = gettext_noop(
    "The source of the consent is longer than 250 characters, or the version of the"
    " text longer than 100. Shorten it."
)
REFUSAL_STAYS = gettext_noop(
    "The person refused. Only a newer consent (granted, with its date) replaces that."
)


def read(
    cells: Mapping[str, str], zone: tzinfo
) -> tuple[ConsentAnswer | None, list[str]]:
    """Return the consent of the row, if it has one, or the errors of its cells."""
    source, text_version = cells.get(SOURCE, ""), cells.get(TEXT_VERSION, "")
    text = cells.get(CONSENT, "").lower()
    when = cells.get(GIVEN_AT, "")
    if not text:
        return None, [CONSENT_MISSING] if source or text_version or when else []
    consent = CONSENTS.get(text)
    given_at = _time(when, zone) if when else None
    errors = [
        *([UNKNOWN_CONSENT] if consent is None else []),
        *_time_errors(when, given_at),
        *([TOO_LONG] if _is_too_long(source, text_version) else []),
    ]
    if errors or consent is None:
        return None, errors
    channel = ConsentChannel.IMPORT
    return ConsentAnswer(consent, channel, source, text_version, given_at), []


def _time(text: str, zone: tzinfo) -> datetime | None:
    """Return the time, in the account's zone unless the text has its own."""
    time = _day_first(text)
    if time is None and ISO_DAY.match(text):
        with contextlib.suppress(ValueError):
            time = datetime.fromisoformat(text)
    if time is None or time.year < MIN_YEAR:
        return None
    return time if timezone.is_aware(time) else time.replace(tzinfo=zone)


def _day_first(text: str) -> datetime | None:
    for form in DAY_FIRST:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007  the caller adds the zone
        except ValueError:
            continue
    return None


def _time_errors(text: str, time: datetime | None) -> list[str]:
    if text and time is None:
        return [UNKNOWN_TIME]
    is_future = time is not None and time > timezone.now() + MAX_CLOCK_ERROR
    return [FUTURE_TIME] if is_future else []


def _is_too_long(source: str, text_version: str) -> bool:
    return (
        len(source) > MAX_SOURCE_LENGTH or len(text_version) > MAX_TEXT_VERSION_LENGTH
    )
