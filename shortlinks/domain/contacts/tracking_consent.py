"""Consents to the recognition of browsers: their history and their effects."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from shortlinks.domain.links import redis_cache
from shortlinks.domain.pixels import attachments
from shortlinks.domain.postgres import queries
from shortlinks.models import (
    Chat,
    ConsentChannel,
    ConsentRecord,
    Contact,
    PixelAttachment,
    Redemption,
    ShortLink,
    TrackingConsent,
    User,
)

MAX_CLOCK_ERROR = timedelta(minutes=5)  # of the clock by which an answer is dated
DETAILS = ("source", "text_version", "given_at")
CARRIED_OVER = (ConsentChannel.MERGE, ConsentChannel.UNDO)


@dataclass(frozen=True, slots=True)
class ConsentAnswer:
    """An answer of a person: where, when and to which text. `given_at` None is now."""

    consent: str
    channel: ConsentChannel
    source: str = ""
    text_version: str = ""
    given_at: datetime | None = None


Latest = dict[int, ConsentRecord]  # the newest records, by the contact's pk


class RefusalStays(Exception):
    """The answers at these positions may not replace a refusal. Nothing was stored."""

    def __init__(self, positions: Collection[int]) -> None:
        super().__init__("a refusal can only be replaced by a new consent")
        self.positions = positions


def may_follow(before: str, latest: ConsentRecord | None, given: ConsentAnswer) -> bool:
    """Return whether the answer may replace the consent `before`.

    Only a newer consent replaces a refusal. A file is often older than it seems, so
    the row of an import needs a date.
    """
    if before != TrackingConsent.DENIED or given.consent == TrackingConsent.DENIED:
        return True
    if given.consent == TrackingConsent.UNKNOWN:
        return False
    if given.given_at is None:
        return given.channel != ConsentChannel.IMPORT
    return latest is None or given.given_at > latest.given_at


def answer(
    answers: Sequence[tuple[Contact, ConsentAnswer]], *, by: User | None
) -> None:
    """Store the answers in their order, with their history and effects.

    Runs in a transaction that has locked the contacts. Merged contacts get the same
    consent, because their links belong to the same person. Raises RefusalStays.
    """
    before = {contact.pk: contact.tracking_consent for contact, _ in answers}
    merged = list(Contact.objects.filter(merged_into__in=list(before)))
    latest = latest_records([*before, *(row.pk for row in merged)])
    _apply_in_order(answers, latest)
    changed = [
        contact
        for contact in {contact.pk: contact for contact, _ in answers}.values()
        if contact.tracking_consent != before[contact.pk]
    ]
    consents = {contact.pk: contact.tracking_consent for contact in changed}
    changed_merged = [row for row in merged if row.root_id in consents]
    for row in changed_merged:
        row.tracking_consent = consents[row.root_id]
    _record(answers, merged, latest, by)
    Contact.objects.bulk_update([*changed, *changed_merged], ["tracking_consent"])
    _take_effect([*changed, *changed_merged])


def carry_over(
    contacts: Collection[Contact], channel: ConsentChannel, *, by: User | None
) -> None:
    """Record consents that a merge or its undoing has stored, with their effects."""
    now = timezone.now()
    ConsentRecord.objects.bulk_create(
        ConsentRecord(
            contact=contact,
            consent=contact.tracking_consent,
            channel=channel,
            given_at=now,
            recorded_by=by,
            recorded_at=now,
        )
        for contact in contacts
    )
    _take_effect(contacts)


def history(contact: Contact) -> "QuerySet[ConsentRecord]":
    """Return the person's records, in no order.

    A record that all merged contacts got appears once. The first record by
    `recorded_at` and `pk`, descending, is the current consent.
    """
    people = Contact.objects.same_person(contact)
    records = ConsentRecord.objects.filter(contact__in=people)
    same = records.filter(
        recorded_at=OuterRef("recorded_at"),
        **{name: OuterRef(name) for name in ("consent", "channel", *DETAILS)},
        contact__lt=OuterRef("contact"),
    )
    return records.filter(~Exists(same))


def latest_records(contacts: Iterable[int]) -> Latest:
    """Return the newest record of each contact, by the contact's pk."""
    records = ConsentRecord.objects.filter(contact__in=list(contacts))
    newest = records.order_by("contact", "-pk").distinct("contact")
    return {record.contact_id: record for record in newest}


def is_known(answer: ConsentAnswer, latest: ConsentRecord | None) -> bool:
    """Return whether the newest record has this answer, so that another adds nothing.

    A record of a merge has the answer of another contact, so it counts as different.
    """
    if latest is None:
        is_empty = not (answer.source or answer.text_version or answer.given_at)
        return answer.consent == TrackingConsent.UNKNOWN and is_empty
    return (
        latest.channel not in CARRIED_OVER
        and answer.consent == latest.consent
        and answer.source in ("", latest.source)
        and answer.text_version in ("", latest.text_version)
        and answer.given_at in (None, latest.given_at)
    )


def _apply_in_order(
    answers: Sequence[tuple[Contact, ConsentAnswer]], latest: Latest
) -> None:
    forgotten = []
    for position, (contact, given) in enumerate(answers):
        if not may_follow(contact.tracking_consent, latest.get(contact.pk), given):
            forgotten.append(position)
        contact.tracking_consent = given.consent
    if forgotten:
        raise RefusalStays(forgotten)


def _record(
    answers: Sequence[tuple[Contact, ConsentAnswer]],
    merged: Sequence[Contact],
    latest: Latest,
    by: User | None,
) -> None:
    """Add what is new to the history of each contact."""
    latest = dict(latest)
    now = timezone.now()
    same_person = {contact.pk: [contact] for contact, _ in answers}
    for row in merged:
        same_person[row.root_id].append(row)
    new: list[ConsentRecord] = []
    for root, given in answers:
        for row in same_person[root.pk]:
            if is_known(given, latest.get(row.pk)):
                continue
            latest[row.pk] = ConsentRecord(
                contact=row,
                consent=given.consent,
                source=given.source,
                text_version=given.text_version,
                given_at=given.given_at or now,
                channel=given.channel,
                recorded_by=by,
                recorded_at=now,
            )
            new.append(latest[row.pk])
    ConsentRecord.objects.bulk_create(new)


def _take_effect(contacts: Collection[Contact]) -> None:
    """Update cached links, and detach the browsers of those who refused.

    Waits for workers that are attaching such a browser, see `consent.lock`.
    """
    if not contacts:
        return
    refused = [c for c in contacts if c.tracking_consent == TrackingConsent.DENIED]
    pks = [contact.pk for contact in refused]
    queries.lock_rows(Contact.objects.filter(pk__in=pks))
    refresh_links(contacts)
    detach_all_browsers(refused)


def refresh_links(contacts: "Collection[Contact] | QuerySet[Contact]") -> None:
    """Write the live links of these contacts to the cache, after the commit."""
    live = ShortLink.objects.filter(contact__in=contacts, disabled_at=None)
    queries.lock_rows(live, no_key=True)  # as workers do
    live.update(changed_at=timezone.now())
    transaction.on_commit(
        lambda: redis_cache.refresh(live.select_related("contact").iterator())
    )


def detach_all_browsers(contacts: Collection[Contact]) -> None:
    """Detach all browsers, and delete their redemptions and `visitor_uid`s."""
    Redemption.objects.filter(contact__in=contacts).delete()
    Chat.objects.filter(contact__in=contacts).update(visitor_uid="")
    attachments.detach(PixelAttachment.objects.filter(contact__in=contacts))
