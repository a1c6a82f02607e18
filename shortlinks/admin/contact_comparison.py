"""Facts about a contact as text, for its page and for comparing two contacts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Func, OuterRef, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from shortlinks.models import (
    AttachmentReview,
    Chat,
    Contact,
    Note,
    NoteType,
    PixelAttachment,
    Verdict,
    Visit,
)

MAX_ROWS = 10  # rows of each kind


@dataclass(frozen=True, slots=True)
class Line:
    label: str
    values: Sequence[str]


def comparison(one: Contact, other: Contact) -> list[Line]:
    kinds = {
        _("CRM ID"): _ids,
        _("created"): lambda contact: moment(contact.created_at),
        _("responsible user"): lambda contact: str(contact.responsible_user or "—"),
        _("opened URLs"): _opened,
        _("browsers"): _browsers,
        _("chats"): _chats,
    }
    return [
        Line(label, [describe(one), describe(other)])
        for label, describe in kinds.items()
    ]


def address(row: Any) -> str:
    return reverse(f"admin:shortlinks_{row._meta.model_name}_change", args=[row.pk])


def moment(at: Any) -> str:
    return date_format(timezone.localtime(at), "SHORT_DATETIME_FORMAT")


def chats(contact: Contact) -> "QuerySet[Chat]":
    rows = Chat.objects.filter(contact__in=Contact.objects.same_person(contact))
    return rows.order_by("-updated_at")[:MAX_ROWS]


def newest_notes(
    notes: "QuerySet[Note]", contacts: "QuerySet[Contact]", limit: int
) -> "QuerySet[Note]":
    """Return at most `limit` notes of these contacts, the newest first.

    The time of a note about opens is that of the first open. An index has each
    contact's notes in this order, so `limit` notes of each contact are read.
    """
    of_contact = notes.filter(contact=OuterRef("pk")).order_by("-created_at", "-pk")
    newest = ArraySubquery(of_contact.values("pk")[:limit])
    ids = contacts.values(newest_note=Func(newest, function="unnest"))
    return notes.filter(pk__in=ids).order_by("-created_at", "-pk")[:limit]


def browsers(contact: Contact) -> list[str]:
    rows = PixelAttachment.objects.filter(
        contact__in=Contact.objects.same_person(contact)
    ).select_related("pixel")
    return [_browser(row) for row in rows.order_by("-last_seen_at")[:MAX_ROWS]]


def _browser(row: PixelAttachment) -> str:
    review = (
        f" ({AttachmentReview(row.review).label})"
        if row.review != AttachmentReview.UNREVIEWED
        else ""
    )
    return f"{row.pixel.visitor_uid}: {moment(row.last_seen_at)}{review}"


def _ids(contact: Contact) -> str:
    rows = Contact.objects.same_person(contact).order_by("pk")
    return ", ".join(str(row.entity_id) for row in rows[:MAX_ROWS])


def _opened(contact: Contact) -> str:
    """Return the last opens; a note without visits stands for its first open."""
    notes = Note.objects.filter(note_type=NoteType.LINK_FOLLOWED)
    newest = newest_notes(notes, Contact.objects.same_person(contact), MAX_ROWS)
    opens = [
        (at, note.url)
        for note in newest.annotate(times=_open_times())
        for at in note.times or [note.created_at]
    ]
    last = sorted(opens, reverse=True)[:MAX_ROWS]
    return "\n".join(f"{moment(at)} {url}" for at, url in last) or "—"


def _open_times() -> ArraySubquery:
    """Return the times of a note's last opens."""
    visits = Visit.objects.filter(
        link=OuterRef("link"),
        verdict=Verdict.PERSON,
        occurred_at__gte=OuterRef("period__startswith"),
        occurred_at__lt=OuterRef("period__endswith"),
    )
    last = visits.order_by("-occurred_at")[:MAX_ROWS]
    return ArraySubquery(last.values("occurred_at"))


def _browsers(contact: Contact) -> str:
    return "\n".join(browsers(contact)) or "—"


def _chats(contact: Contact) -> str:
    return "\n".join(f"{c.source}: {c}" for c in chats(contact)) or "—"
