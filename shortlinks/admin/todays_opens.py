"""Whose contacts opened what today: the first thing a manager looks for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from shortlinks.domain.visits import visit_records
from shortlinks.models import Contact, Note, NoteType, User, Verdict, Visit

MAX_NOTES = 200


@dataclass(slots=True)
class Opened:
    """One contact's opens of today, by source url."""

    contact: Contact
    at: datetime
    urls: dict[str, int] = field(default_factory=dict)

    def add(self, note: Note, at: datetime) -> None:
        self.at = max(self.at, at)
        self.urls[note.url] = self.urls.get(note.url, 0) + note.opens


def opened_today(user: User) -> Sequence[Opened]:
    """The newest first; the day is that of the account's time zone."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    newest = Coalesce(Subquery(_newest_open(midnight)), F("created_at"))
    notes = (
        Note.objects.filter(
            account=user.account_id,
            note_type=NoteType.LINK_FOLLOWED,
            created_at__gte=midnight,
            contact__in=Contact.objects.visible_including_merged(user),
        )
        .annotate(newest=newest)
        .select_related("contact__merged_into")
        .order_by("-created_at", "-id")[:MAX_NOTES]
    )
    found: dict[int, Opened] = {}
    for note in notes:
        who = note.contact.root
        found.setdefault(who.pk, Opened(who, note.newest)).add(note, note.newest)
    return sorted(found.values(), key=lambda opened: opened.at, reverse=True)


def _newest_open(since: datetime) -> QuerySet[Visit, Any]:
    """Of a note, which itself knows when it was written: maybe hours later."""
    visits = Visit.objects.filter(
        id__gte=visit_records.first_id(since),
        link=OuterRef("link"),
        verdict=Verdict.PERSON,
        occurred_at__gte=OuterRef("created_at"),
        occurred_at__lt=OuterRef("period__endswith"),
    )
    return visits.order_by("-occurred_at").values("occurred_at")[:1]
