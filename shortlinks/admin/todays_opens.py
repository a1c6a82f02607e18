"""Contacts that opened links today, for the dashboard."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import (
    Case,
    DateTimeField,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from shortlinks.domain.visits import visit_records
from shortlinks.models import Contact, Note, NoteType, User, Verdict, Visit

MAX_NOTES = 200
MAX_NOTE_WINDOW = timedelta(days=1)  # as the constraint of the account
CLOCK_SKEW = timedelta(minutes=5)  # between the redirects and the workers


@dataclass(slots=True)
class Opened:
    """Today's opens of one contact, by source URL."""

    contact: Contact
    at: datetime
    urls: dict[str, int] = field(default_factory=dict)

    def add(self, url: str, opens: int, at: datetime) -> None:
        self.at = max(self.at, at)
        self.urls[url] = self.urls.get(url, 0) + opens


def opened_today(user: User) -> Sequence[Opened]:
    """Return today's opens, newest first, in the account's time zone.

    A note that began yesterday belongs to today if a person opened its link today.
    """
    midnight = _midnight(timezone.localtime())
    visits = _opens_since(midnight)
    newest = Subquery(visits.order_by("-occurred_at").values("occurred_at")[:1])
    count = visits.order_by().values("link").annotate(n=Sum("visit_count")).values("n")
    began_today = Q(created_at__gte=midnight)
    notes = (
        Note.objects.filter(
            # The visits are read for few of yesterday's notes, because of `updated_at`.
            began_today | Q(Q(updated_at__gte=midnight - CLOCK_SKEW), Exists(visits)),
            account=user.account_id,
            note_type=NoteType.LINK_FOLLOWED,
            created_at__gte=midnight - MAX_NOTE_WINDOW,
            contact__in=Contact.objects.visible_including_merged(user),
        )
        .annotate(
            newest=Coalesce(newest, F("created_at")),
            opens_today=Case(When(began_today, then=F("opens")), default=count),
        )
        .select_related("contact__merged_into")
        .order_by("-updated_at", "-id")[:MAX_NOTES]
    )
    found: dict[int, Opened] = {}
    for note in notes:
        contact = note.contact.root
        opened = found.setdefault(contact.pk, Opened(contact, note.newest))
        opened.add(note.url, note.opens_today, note.newest)
    return sorted(found.values(), key=lambda opened: opened.at, reverse=True)


def _midnight(local: datetime) -> datetime:
    """Return the first moment of the day, in UTC: a day may have 23 or 25 hours."""
    first = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return first.astimezone(UTC)


def _opens_since(midnight: datetime) -> QuerySet[Visit, Any]:
    """Return the opens of a note since midnight; they may be processed hours later."""
    began = OuterRef("created_at")
    return Visit.objects.filter(
        id__gte=visit_records.first_id(midnight),
        link=OuterRef("link"),
        verdict=Verdict.PERSON,
        occurred_at__gte=Greatest(began, Value(midnight, DateTimeField())),
        occurred_at__lt=OuterRef("period__endswith"),
    )
