"""Timeline of a contact and of those merged into it, newest first.

It contains source URLs only.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext, ngettext

from shortlinks.admin import contact_comparison
from shortlinks.domain import devices, reasons
from shortlinks.domain.contacts import tracking_consent
from shortlinks.models import (
    Certainty,
    Chat,
    Contact,
    Merge,
    Note,
    NoteType,
    ShortLink,
    User,
    Verdict,
    Visit,
)

MAX_EVENTS = 50  # events of each kind
MAX_VISITS = 500
MAX_DEVICES = 3
FORWARDED_MIN_BROWSERS = 3  # a phone, a laptop and another person's


@dataclass(frozen=True, slots=True)
class Event:
    at: datetime
    icon: str
    what: str
    text: str
    detail: str = ""
    address: str = ""


def of(contact: Contact, reader: User) -> Sequence[Event]:
    own = Contact.objects.same_person(contact)
    merges = _merges(_visible_merges(own, reader))
    consents = _consents(contact, reader)
    events = [*_links(own), *_notes(own), *_chats(own), *merges, *consents]
    return sorted(events, key=lambda event: event.at, reverse=True)[: 2 * MAX_EVENTS]


def _links(own: QuerySet[Contact]) -> Iterator[Event]:
    links = ShortLink.objects.filter(contact__in=own).order_by("-pk")[:MAX_EVENTS]
    for link in links:
        yield Event(link.created_at, "send", gettext("Link created"), link.url)


def _notes(own: QuerySet[Contact]) -> Iterator[Event]:
    notes = list(contact_comparison.newest_notes(Note.objects.all(), own, MAX_EVENTS))
    opened = [note for note in notes if note.note_type == NoteType.LINK_FOLLOWED]
    visits = _visits(opened)
    for note in notes:
        if note.note_type == NoteType.LINK_FOLLOWED:
            yield _opened(note, visits)
        else:
            what = note.get_note_type_display().capitalize()
            yield Event(note.created_at, "sticky_note_2", what, note.text)


def _opened(note: Note, visits: Iterable[Visit]) -> Event:
    times = ngettext("Opened %(count)d time", "Opened %(count)d times", note.opens)
    opens = [
        visit
        for visit in visits
        if visit.link_id == note.link_id and visit.occurred_at in note.period
    ]
    devices_ = _devices(visit.user_agent for visit in opens)
    return Event(
        at=max((visit.occurred_at for visit in opens), default=note.created_at),
        icon="ads_click",
        what=times % {"count": note.opens},
        text=note.url,
        detail="; ".join(
            filter(None, [devices_, _doubt(note), _forwarded(note, visits)])
        ),
    )


def _doubt(note: Note) -> str:
    """Return why it is not certain that a person opened the link."""
    is_certain = reasons.certainty(note.reason) == Certainty.CERTAIN
    return "" if is_certain else reasons.explain(note.reason)


def _forwarded(note: Note, visits: Iterable[Visit]) -> str:
    """Return a warning if several browsers with a cookie opened the link by then."""
    browsers = {
        bytes(visit.pixel_sha256)
        for visit in visits
        if visit.link_id == note.link_id
        and visit.pixel_sha256
        and not visit.pixel_is_new
        and visit.occurred_at < note.period.upper
    }
    if len(browsers) < FORWARDED_MIN_BROWSERS:
        return ""
    return gettext("Perhaps forwarded: several browsers open this link.")


def _visits(opened: Sequence[Note]) -> list[Visit]:
    """Return the opens of the notes' links, since the oldest note."""
    if not opened:
        return []
    visits = Visit.objects.filter(
        link__in={note.link_id for note in opened if note.link_id},
        verdict=Verdict.PERSON,
        occurred_at__gte=min(note.created_at for note in opened),
    )
    needed = visits.only(
        "id", "link_id", "occurred_at", "user_agent", "pixel_sha256", "pixel_is_new"
    )
    return list(needed.order_by("-occurred_at")[:MAX_VISITS])


def _devices(user_agents: Iterable[str]) -> str:
    named = [devices.names(user_agent) for user_agent in user_agents]
    lines = [", ".join(gettext(name) for name in each) for each in named if each]
    return "; ".join(list(dict.fromkeys(lines))[:MAX_DEVICES])


def _chats(own: QuerySet[Contact]) -> Iterator[Event]:
    for chat in Chat.objects.filter(contact__in=own).order_by("-pk")[:MAX_EVENTS]:
        yield _linked(chat, chat.created_at, "forum", gettext("Chat added"))


def _consents(contact: Contact, reader: User) -> Iterator[Event]:
    """Yield consents; only administrators see who recorded them."""
    records = tracking_consent.history(contact).select_related("recorded_by")
    for record in records.order_by("-pk")[:MAX_EVENTS]:
        by = record.recorded_by if reader.is_admin or reader.is_superuser else None
        what = gettext("Tracking consent: %(consent)s")
        given_at = contact_comparison.moment(record.given_at)
        details = [given_at, str(record.get_channel_display()), str(by or "")]
        yield Event(
            record.recorded_at,
            "how_to_reg",
            what % {"consent": record.get_consent_display()},
            ", ".join(filter(None, [record.source, record.text_version])),
            ", ".join(filter(None, details)),
        )


def _visible_merges(own: QuerySet[Contact], reader: User) -> QuerySet[Merge]:
    """Return the merges whose other contact the reader may view, also after an undo."""
    rows = Merge.objects.filter(survivor__in=own)
    if not reader.is_superuser:
        rows = rows.filter(loser__in=Contact.objects.visible_including_merged(reader))
    return rows.select_related("survivor", "loser").order_by("-pk")


def _merges(merges: QuerySet[Merge]) -> Iterator[Event]:
    for merge in merges[:MAX_EVENTS]:
        yield _linked(merge, merge.created_at, "merge", gettext("Contact merged"))
        if merge.undone_at:
            yield _linked(merge, merge.undone_at, "undo", gettext("Merge undone"))


def _linked(row: Any, at: datetime, icon: str, what: str) -> Event:
    return Event(at, icon, what, str(row), address=contact_comparison.address(row))
