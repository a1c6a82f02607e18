"""Consents in bodies of contacts, and `/api/v4/contacts/{id}/consents`, their history.

amoCRM has neither.
"""

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import ClassVar

from rest_framework.request import Request

from shortlinks.api import hal
from shortlinks.api.filters import ListQuery
from shortlinks.api.hal import Response
from shortlinks.api.parsing import FieldReader
from shortlinks.api.problems import ValidationFailed
from shortlinks.api.resources import contacts as resources
from shortlinks.api.resources.errors import FieldError, ItemErrors
from shortlinks.api.views import ApiView
from shortlinks.domain.contacts import tracking_consent
from shortlinks.domain.contacts.contacts import ContactChange
from shortlinks.domain.contacts.tracking_consent import (
    MAX_CLOCK_ERROR,
    ConsentAnswer,
    RefusalStays,
)
from shortlinks.models import ConsentChannel, ConsentRecord, Scope, TrackingConsent
from shortlinks.models.consents import MAX_SOURCE_LENGTH, MAX_TEXT_VERSION_LENGTH

CONSENT = "tracking_consent"
SOURCE = "consent_source"
TEXT_VERSION = "consent_text_version"
GIVEN_AT = "consent_given_at"
REFUSED = FieldError(
    "NotSupportedChoice",
    CONSENT,
    "The person refused. Only a newer consent (`granted`) replaces a refusal.",
)
QUERY = ListQuery(
    filters={},
    orders={"id": "id", "recorded_at": "recorded_at"},
    default=("-recorded_at", "-id"),
)


class ContactConsents(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.CONTACTS_READ}

    def get(self, request: Request, entity_id: int) -> Response:
        history = tracking_consent.history(self.contact(entity_id))
        rows = QUERY.apply(request, history)
        shows_user = self.caller.user.is_admin
        return hal.paginated(
            hal.read_page(request),
            "consents",
            rows,
            lambda record: represent(record, shows_user=shows_user),
        )


def represent(record: ConsentRecord, *, shows_user: bool) -> resources.Consent:
    return resources.Consent(
        id=record.pk,
        tracking_consent=record.consent,
        consent_source=record.source,
        consent_text_version=record.text_version,
        consent_given_at=int(record.given_at.timestamp()),
        channel=record.channel,
        recorded_by=(record.recorded_by_id or 0) if shows_user else 0,
        recorded_at=int(record.recorded_at.timestamp()),
    )


def read(item: FieldReader) -> ConsentAnswer | None:
    """Return the consent of a contact's body, or None if it has none."""
    consent = item.choice_or_none(CONSENT, TrackingConsent.values)
    source = item.text(SOURCE, max_length=MAX_SOURCE_LENGTH)
    text_version = item.text(TEXT_VERSION, max_length=MAX_TEXT_VERSION_LENGTH)
    given_at = item.id(GIVEN_AT, minimum=0)
    latest = time.time() + MAX_CLOCK_ERROR.total_seconds()
    if given_at is not None and given_at > latest:
        item.add_error("InvalidType", GIVEN_AT, "This time is in the future.")
        return None
    if consent is None and (source or text_version or given_at is not None):
        detail = f"Send {CONSENT}, too: the consent that these fields describe."
        item.add_error("FieldMissing", CONSENT, detail)
    if not consent:
        return None
    return ConsentAnswer(
        consent,
        ConsentChannel.API,
        source,
        text_version,
        None if given_at is None else datetime.fromtimestamp(given_at, UTC),
    )


def refusal_errors(
    items: Iterable[tuple[str, ContactChange]], error: RefusalStays
) -> ValidationFailed:
    """Return the errors of the items whose consents would replace a refusal."""
    # positions count only the items with a consent
    ids = [request_id for request_id, change in items if change.consent]
    return ValidationFailed([ItemErrors(ids[n], [REFUSED]) for n in error.positions])
