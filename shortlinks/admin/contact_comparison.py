"""What is known of a contact, in words: for its own page, and beside another's."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
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
)

MAX_ROWS = 10  # rows of each kind


@dataclass(frozen=True, slots=True)
class Line:
    label: str
    values: Sequence[str]


def comparison(one: Contact, other: Contact) -> list[Line]:
    """The evidence side by side."""
    kinds = {
        _("id in the CRM"): _ids,
        _("created"): lambda contact: moment(contact.created_at),
        _("responsible"): lambda contact: str(contact.responsible_user or "—"),
        _("opened"): _opened,
        _("browsers"): _browsers,
        _("chats"): _chats,
    }
    return [Line(label, [say(one), say(other)]) for label, say in kinds.items()]


def reference(contact: Contact) -> dict[str, Any]:
    return {"pk": contact.pk, "name": str(contact), "address": address(contact)}


def address(row: Any) -> str:
    return reverse(f"admin:shortlinks_{row._meta.model_name}_change", args=[row.pk])


def moment(at: Any) -> str:
    return date_format(timezone.localtime(at), "SHORT_DATETIME_FORMAT")


def chats(contact: Contact) -> "QuerySet[Chat]":
    rows = Chat.objects.filter(contact__in=Contact.objects.same_person(contact))
    return rows.order_by("-updated_at")[:MAX_ROWS]


def browsers(contact: Contact) -> list[str]:
    rows = PixelAttachment.objects.filter(
        contact__in=Contact.objects.same_person(contact)
    ).select_related("pixel")
    return [_browser(row) for row in rows.order_by("-last_seen_at")[:MAX_ROWS]]


def _browser(row: PixelAttachment) -> str:
    said = (
        f" ({_(AttachmentReview(row.review).label)})"
        if row.review != AttachmentReview.UNREVIEWED
        else ""
    )
    return f"{row.pixel.visitor_uid}: {moment(row.last_seen_at)}{said}"


def _ids(contact: Contact) -> str:
    rows = Contact.objects.same_person(contact).order_by("pk")
    return ", ".join(str(row.entity_id) for row in rows[:MAX_ROWS])


def _opened(contact: Contact) -> str:
    notes = Note.objects.filter(
        contact__in=Contact.objects.same_person(contact),
        note_type=NoteType.LINK_FOLLOWED,
    )
    lines = [
        f"{moment(n.created_at)} {n.url}" for n in notes.order_by("-pk")[:MAX_ROWS]
    ]
    return "\n".join(lines) or "—"


def _browsers(contact: Contact) -> str:
    return "\n".join(browsers(contact)) or "—"


def _chats(contact: Contact) -> str:
    return "\n".join(f"{c.source}: {c}" for c in chats(contact)) or "—"
