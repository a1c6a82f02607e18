"""A contact's history as a manager reads it: one line for each event, newest first.

In source urls only, of what the contact is and of what was merged into it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext, ngettext

from shortlinks.admin import contact_comparison, devices
from shortlinks.models import (
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
    merges = _merges(_readable(own, reader))
    events = [*_sent(own), *_notes(own), *_chats(own), *merges]
    return sorted(events, key=lambda event: event.at, reverse=True)[: 2 * MAX_EVENTS]


def _sent(own: QuerySet[Contact]) -> Iterator[Event]:
    links = ShortLink.objects.filter(contact__in=own).order_by("-pk")[:MAX_EVENTS]
    for link in links:
        yield Event(link.created_at, "send", gettext("Link sent"), link.url)


def _notes(own: QuerySet[Contact]) -> Iterator[Event]:
    notes = list(Note.objects.filter(contact__in=own).order_by("-pk")[:MAX_EVENTS])
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
    made = [
        visit
        for visit in visits
        if visit.link_id == note.link_id and visit.occurred_at in note.period
    ]
    return Event(
        at=max((visit.occurred_at for visit in made), default=note.created_at),
        icon="ads_click",
        what=times % {"count": note.opens},
        text=note.url,
        detail=_devices(visit.user_agent for visit in made),
    )


def _visits(opened: Sequence[Note]) -> list[Visit]:
    """The opens that the notes are of, for what they were made with."""
    if not opened:
        return []
    visits = Visit.objects.filter(
        link__in={note.link_id for note in opened if note.link_id},
        verdict=Verdict.PERSON,
        occurred_at__gte=min(note.created_at for note in opened),
    )
    needed = visits.only("id", "link_id", "occurred_at", "user_agent")
    return list(needed.order_by("-occurred_at")[:MAX_VISITS])


def _devices(user_agents: Iterable[str]) -> str:
    named = [devices.names(user_agent) for user_agent in user_agents]
    lines = [", ".join(gettext(name) for name in each) for each in named if each]
    return "; ".join(list(dict.fromkeys(lines))[:MAX_DEVICES])


def _chats(own: QuerySet[Contact]) -> Iterator[Event]:
    for chat in Chat.objects.filter(contact__in=own).order_by("-pk")[:MAX_EVENTS]:
        yield _linked(chat, chat.created_at, "forum", gettext("Chat joined"))


def _readable(own: QuerySet[Contact], reader: User) -> QuerySet[Merge]:
    """After an undoing the other may be somebody else's contact again."""
    rows = Merge.objects.filter(survivor__in=own)
    if not reader.is_superuser:
        rows = rows.filter(loser__in=Contact.objects.visible_including_merged(reader))
    return rows.select_related("survivor", "loser").order_by("-pk")


def _merges(merges: QuerySet[Merge]) -> Iterator[Event]:
    for merge in merges[:MAX_EVENTS]:
        yield _linked(merge, merge.created_at, "merge", gettext("Merged"))
        if merge.undone_at:
            yield _linked(merge, merge.undone_at, "undo", gettext("Merge undone"))


def _linked(row: Any, at: datetime, icon: str, what: str) -> Event:
    return Event(at, icon, what, str(row), address=contact_comparison.address(row))
