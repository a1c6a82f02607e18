"""Erase a person: everything that `models/personal_data.py` lists.

Recording ends at once. A worker then deletes the rows, in batches of one transaction
each, so it can be killed and goes on where it stopped. Links go on redirecting, so rows
that they need stay, without anything about the person.
"""

import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Model, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from shortlinks.domain import erased_identities
from shortlinks.domain.auth import security_events
from shortlinks.domain.contacts import contacts, tracking_consent
from shortlinks.domain.merging import merges
from shortlinks.domain.personal_data import evidence_of_others
from shortlinks.domain.pixels import attachments
from shortlinks.models import (
    Chat,
    Contact,
    Erasure,
    ErasureOrigin,
    ImportRow,
    Merge,
    MergeSuggestion,
    Note,
    Pixel,
    PixelAttachment,
    SecurityEventKind,
    ShortLink,
    TrackingConsent,
    User,
    Visit,
    WebhookDelivery,
    WebhookEvent,
)
from shortlinks.models.personal_data import PersonalTable, deleted_by_an_erasure

PERSON = "person"  # the detail of security events
BATCH_SIZE = 2000
# How long a worker that took an erasure has until another one may take it.
LEASE = timedelta(minutes=5)
RESTORABLE = timedelta(days=30)  # how long a deletion can be undone
MAX_DELETED = 100  # deleted contacts in a run
FINISH_SECONDS = 600.0
# Events by the rows that they are about.
MERGE_EVENTS = (WebhookEvent.MERGE_CONTACT, WebhookEvent.UNDO_MERGE)
SUGGESTION_EVENTS = (WebhookEvent.SUGGEST_MERGE, WebhookEvent.CLOSE_SUGGESTION)
NOTE_EVENTS = tuple({*WebhookEvent} - {*MERGE_EVENTS, *SUGGESTION_EVENTS})

Work = Callable[["Person", int], int]


class AlreadyErased(Exception):
    """The contact was erased before. Its receipt is that of the earlier erasure."""


class NotDeleted(Exception):
    """The contact was restored before its erasure was due."""


class Person:
    """The contact rows of one person, and their links."""

    def __init__(self, erasure: Erasure) -> None:
        self.account_id = erasure.account_id
        self.contacts: Sequence[int] = erasure.contacts
        links = ShortLink.objects.filter(contact__in=self.contacts)
        self.links = list(links.values_list("pk", flat=True))


def request(contact: Contact, *, origin: ErasureOrigin, by: User | None) -> Erasure:
    """End all recording about the contact, and let a worker erase the person.

    Merged contacts are erased with it. Returns the receipt, which is not finished yet.
    Raises AlreadyErased or NotDeleted.
    """
    with transaction.atomic():
        merges.lock_account(contact.account_id)  # no chat is added meanwhile
        contact = Contact.objects.get(pk=contact.pk)  # it may be merged since
        people = Contact.objects.same_person(contact).order_by("pk")
        rows = list(people.select_for_update(of=("self",)))
        if unfinished := _unfinished(rows):
            return unfinished
        if all(row.erased_at for row in rows):
            raise AlreadyErased
        if origin == ErasureOrigin.DELETION and not all(map(_is_due, rows)):
            raise NotDeleted
        pks = [row.pk for row in rows]
        people = Contact.objects.filter(pk__in=pks)
        now = timezone.now()
        people.update(is_deleted=True, deleted_at=now, updated_at=now, erased_at=now)
        tracking_consent.refresh_links(people)
        erasure = Erasure.objects.create(
            account_id=contact.account_id,
            contacts=pks,
            origin=origin,
            requested_by=by,
        )
        erased_identities.remember(erasure, _identities(rows))
        security_events.record(
            SecurityEventKind.ERASURE, user=by, account=contact.account
        )
    return erasure


def request_for_deleted() -> None:
    """Request the erasure of contacts that were deleted 30 days ago, some at a time."""
    deleted = Contact.objects.filter(
        is_deleted=True,
        erased_at=None,
        merged_into=None,
        deleted_at__lt=timezone.now() - RESTORABLE,
    )
    for contact in deleted.order_by("deleted_at")[:MAX_DELETED]:
        with contextlib.suppress(AlreadyErased, NotDeleted):
            request(contact, origin=ErasureOrigin.DELETION, by=None)


def _is_due(contact: Contact) -> bool:
    """Return whether the contact was deleted long enough ago."""
    return bool(
        contact.is_deleted
        and contact.deleted_at
        and contact.deleted_at < timezone.now() - RESTORABLE
    )


def finish(erasure: Erasure) -> None:
    """Wait until the person is erased, by this process or by a worker.

    Raises TimeoutError after ten minutes.
    """
    deadline = time.monotonic() + FINISH_SECONDS
    while not erasure.finished_at:
        if time.monotonic() > deadline:
            raise TimeoutError("the erasure is not finished")
        if not run_due(deadline):
            time.sleep(1)
        erasure.refresh_from_db()


def run_due(until: float) -> int:
    """Continue erasures until this monotonic time; return how many were finished."""
    finished = 0
    while time.monotonic() < until and (erasure := _claim()):
        finished += run(erasure, until)
    return finished


def run(erasure: Erasure, until: float) -> bool:
    """Erase batches until this monotonic time; return whether nothing is left."""
    person = Person(erasure)
    is_empty = False
    while not is_empty:
        is_empty = _erase_once(erasure, person, until) == 0
        if time.monotonic() > until:
            erasure.due_at = timezone.now()
            erasure.save(update_fields=["due_at"])
            return False
    with transaction.atomic():
        _anonymize(person)
        erasure.due_at, erasure.finished_at = None, timezone.now()
        erasure.save(update_fields=["due_at", "finished_at"])
    return True


def _erase_once(erasure: Erasure, person: Person, until: float) -> int:
    """Go through all tables; return how many rows were erased."""
    erased = 0
    for name, work in _steps():
        count = None
        while count != 0 and time.monotonic() <= until:
            with transaction.atomic():
                count = work(person, BATCH_SIZE)
                _add_to_receipt(erasure, name, count)
            erased += count
    return erased


def _claim() -> Erasure | None:
    with transaction.atomic():
        due = Erasure.objects.filter(due_at__lte=timezone.now()).order_by("due_at")
        erasure = due.select_for_update(skip_locked=True).first()
        if erasure is not None:
            erasure.due_at = timezone.now() + LEASE
            erasure.save(update_fields=["due_at"])
    return erasure


def _unfinished(rows: Iterable[Contact]) -> Erasure | None:
    pks = [row.pk for row in rows]
    return Erasure.objects.filter(contacts__contains=pks, finished_at=None).first()


def _identities(rows: Sequence[Contact]) -> list[bytes]:
    """Return the hashes of the person's ids, those of chats included."""
    chats = Chat.objects.filter(contact__in=rows)
    return [
        *(erased_identities.of_contact(r.account_id, r.entity_id) for r in rows),
        *(
            erased_identities.of_chat(c.account_id, c.source, c.external_id)
            for c in chats
        ),
    ]


def _steps() -> Iterable[tuple[str, Work]]:
    yield "evidence_of_others", _forget_opens  # while the visits exist
    for table in deleted_by_an_erasure():
        yield table.name, SPECIAL.get(table.model) or partial(_delete_rows, table)
    yield "importrow", _empty_import_rows


def _forget_opens(person: Person, size: int) -> int:
    return evidence_of_others.forget_opens(person.contacts, size)


def _delete_rows(table: PersonalTable, person: Person, size: int) -> int:
    return _delete(table.rows_of(person.contacts), size)


def _delete_visits(person: Person, size: int) -> int:
    """Delete the visits of the links, by three queries that can each use an index.

    Waits for transactions that process them, so that nothing is written afterwards.
    """
    of_links = Visit.objects.filter(link__in=person.links)
    for visits in (
        of_links.filter(due_at__isnull=False),
        of_links.filter(~Q(verdict="")),
        of_links.filter(dead_lettered_at__isnull=False),
    ):
        if count := _delete(visits, size):
            return count
    return 0


def _delete_deliveries(person: Person, size: int) -> int:
    """Delete events of the contacts, and events about their notes and merges.

    The latter may belong to another contact, with which this one was merged.
    """
    either = Q(one__in=person.contacts) | Q(other__in=person.contacts)
    merged = Q(survivor__in=person.contacts) | Q(loser__in=person.contacts)
    notes = Note.objects.filter(contact__in=person.contacts)
    about = {
        MERGE_EVENTS: Merge.objects.filter(merged),
        SUGGESTION_EVENTS: MergeSuggestion.objects.filter(either),
        NOTE_EVENTS: notes,
    }
    for deliveries in (
        WebhookDelivery.objects.filter(contact__in=person.contacts),
        *(
            WebhookDelivery.objects.filter(event__in=events, subject_id__in=ids)
            for events, rows in about.items()
            if (ids := list(rows.values_list("pk", flat=True)))
        ),
    ):
        if count := _delete(deliveries, size):
            return count
    return 0


def _delete_attachments(person: Person, size: int) -> int:
    """Delete attachments, and browsers in which nobody else opened a link.

    The locks of the browsers keep workers from attaching them meanwhile.
    """
    attached = PixelAttachment.objects.filter(contact__in=person.contacts)
    first = dict(attached.order_by("pk").values_list("pk", "pixel")[:size])
    pixels = Pixel.objects.filter(pk__in=first.values())
    attachments.lock_browsers(pixels)
    count = _delete(attached.filter(pk__in=first), size)
    pixels.filter(pixelattachment=None).delete()
    return count


def _empty_import_rows(person: Person, size: int) -> int:
    """Remove the cells of rows with the person's ids, which are then not imported.

    The rows get another key, because an import reads rows without a key last.
    """
    rows = ImportRow.objects.of_contacts(person.contacts)
    pks = list(rows.values_list("pk", flat=True)[:size])
    key = Concat(Value("erased "), Cast("pk", TextField()))
    ImportRow.objects.filter(pk__in=pks).update(cells={}, key=key)
    return len(pks)


SPECIAL: dict[type[Model], Work] = {
    Visit: _delete_visits,
    WebhookDelivery: _delete_deliveries,
    PixelAttachment: _delete_attachments,
}


def _delete(rows: "QuerySet[Any]", size: int) -> int:
    """Delete at most `size` rows, and their names in the log of the admin.

    They are not ordered, because Postgres might read a whole table to find the first.
    """
    pks = list(rows.values_list("pk", flat=True)[:size])
    _forget_in_log(rows.model, pks)
    rows.model._default_manager.filter(pk__in=pks).delete()
    return len(pks)


def _forget_in_log(model: type[Model], pks: Sequence[Any]) -> None:
    """Remove the names of rows from the log, and keep who did what and when."""
    kind = ContentType.objects.get_for_model(model)
    entries = LogEntry.objects.filter(
        content_type=kind, object_id__in=[str(pk) for pk in pks]
    )
    entries.update(object_repr="", change_message="")


def _anonymize(person: Person) -> None:
    """Remove the person's data from the contacts, which remain for their links."""
    _forget_in_log(Contact, person.contacts)
    rows = Contact.objects.filter(pk__in=person.contacts).order_by("pk")
    locked = list(rows.select_for_update())
    _forget_names_in_log(locked)
    new_ids = contacts.free_ids(len(locked))
    for row, new_id in zip(locked, new_ids, strict=True):
        row.entity_id = new_id
        row.name = row.first_name = row.last_name = ""
        row.responsible_user = row.group = row.created_by = row.updated_by = None
        row.tracking_consent = TrackingConsent.DENIED
        row.is_anonymous = False
        row.save()


def _forget_names_in_log(contacts: Sequence[Contact]) -> None:
    """Remove names from entries about rows that were deleted earlier.

    Entries about a namesake lose the name, too.
    """
    names = {n for c in contacts for n in (c.name, c.first_name, c.last_name) if n}
    for name in names:
        LogEntry.objects.filter(
            Q(object_repr__contains=name) | Q(change_message__contains=name),
            user__account=contacts[0].account_id,
        ).update(object_repr="", change_message="")


def _add_to_receipt(erasure: Erasure, name: str, count: int) -> None:
    """Add the rows of a batch to the receipt, and extend the lease."""
    if count:
        erasure.rows = {**erasure.rows, name: erasure.rows.get(name, 0) + count}
        erasure.due_at = timezone.now() + LEASE
        erasure.save(update_fields=["rows", "due_at"])
