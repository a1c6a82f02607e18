"""Whose contacts opened what today: the first thing a manager looks for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone

from shortlinks.models import Contact, Note, NoteType, User

MOST_NOTES = 200


@dataclass(slots=True)
class Opened:
    """One contact's opens of today, by source url."""

    contact: Contact
    at: datetime
    urls: dict[str, int] = field(default_factory=dict)

    def add(self, note: Note) -> None:
        self.at = max(self.at, note.updated_at)
        self.urls[note.url] = self.urls.get(note.url, 0) + note.opens


def opened_today(user: User) -> Sequence[Opened]:
    """The newest first; the day is that of the account's time zone."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    notes = (
        Note.objects.filter(
            account=user.account_id,
            note_type=NoteType.LINK_FOLLOWED,
            created_at__gte=midnight,
            contact__in=Contact.objects.readable_by(user),
        )
        .select_related("contact__merged_into")
        .order_by("-created_at", "-id")[:MOST_NOTES]
    )
    found: dict[int, Opened] = {}
    for note in notes:
        who = note.contact.root
        found.setdefault(who.pk, Opened(who, note.updated_at)).add(note)
    return sorted(found.values(), key=lambda opened: opened.at, reverse=True)
