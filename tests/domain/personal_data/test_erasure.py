"""An erased person is nowhere, stays away, and leaves everybody else alone."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import connection
from django.utils import timezone

from shortlinks.domain import erased_identities
from shortlinks.domain.contacts import contacts
from shortlinks.domain.contacts.contacts import ErasedIds, NewContact
from shortlinks.domain.imports import batches, lifecycle
from shortlinks.domain.imports.lifecycle import Upload
from shortlinks.domain.merging import chats, merges
from shortlinks.domain.merging.chats import ErasedChat, NewChat, Reporter
from shortlinks.domain.merging.merges import MergeCause
from shortlinks.domain.personal_data import erasure
from shortlinks.domain.personal_data.erasure import AlreadyErased, NotDeleted
from shortlinks.domain.visits import processing
from shortlinks.models import (
    Account,
    Chat,
    Contact,
    DailyVisits,
    Erasure,
    ErasureOrigin,
    ImportKind,
    ImportState,
    MergeRule,
    Note,
    Pixel,
    PixelAttachment,
    SecurityEvent,
    SecurityEventKind,
    ShortLink,
    User,
    Visit,
    WebhookDelivery,
)
from tests import factories, importing
from tests.admin import fixtures_full_account
from tests.domain.merging import steps

PROGRAM = "Mozilla/9.9 Zimmerbrowser"
PLANTED = ("Zimmermann", "+79161234567", "4711000815", "zimmermann.de", PROGRAM)


def erase(contact: Contact, by: User | None = None) -> Erasure:
    receipt = erasure.request(contact, origin=ErasureOrigin.ADMIN, by=by)
    erasure.run_due(time.monotonic() + 60)
    receipt.refresh_from_db()
    return receipt


def database_text() -> Iterator[tuple[str, str]]:
    """Yield each row of each table as text."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{table}" AS t')  # noqa: S608  a name
            yield from ((table, row) for (row,) in cursor.fetchall())


def found() -> set[tuple[str, str]]:
    return {
        (table, planted)
        for table, row in database_text()
        for planted in PLANTED
        if planted in row
    }


@pytest.fixture
def person(account: Account, admin: User) -> Contact:
    """A person about whom every table has a row."""
    contact = factories.contact(
        account,
        entity_id=4711000815,
        name="Petra Zimmermann",
        first_name="Petra",
        last_name="Zimmermann",
    )
    steps.open_link("phone", contact, referer="zimmermann.de")
    steps.redeem("phone", contact)
    chat, _ = steps.start_chat("phone", admin, contact, title="+79161234567")
    Chat.objects.filter(pk=chat.pk).update(external_id="+79161234567")
    factories.webhook(account, "https://crm.example/hook", by=admin)
    steps.open_link("robot", contact, "https://shop.example/2", user_agent=PROGRAM)
    factories.visit(contact.shortlink_set.all()[0], user_agent=PROGRAM)  # not processed
    LogEntry.objects.log_actions(admin.pk, [contact], CHANGE, "Zimmermann")
    rows = "entity_id,name,responsible\n4711000815,Zimmermann,x@y.example\n"
    upload = Upload(admin, ImportKind.CONTACTS, "a.csv", rows.encode())
    list(batches.batches(lifecycle.start(upload)))
    return contact


def test_nothing_of_the_person_is_left(person: Contact, admin: User) -> None:
    assert {planted for _, planted in found()} == set(PLANTED)

    receipt = erase(person, by=admin)

    assert found() == set()
    assert receipt.finished_at is not None
    assert receipt.rows.keys() >= {"visit", "note", "chat", "pixelattachment"}
    assert receipt.requested_by == admin
    events = SecurityEvent.objects.filter(kind=SecurityEventKind.ERASURE, user=admin)
    assert events.count() == 1


def test_merged_contacts_are_erased_as_one_person(
    account: Account, admin: User
) -> None:
    one, other = (factories.contact(account, name="Zimmermann") for _ in "ab")
    steps.merge(admin, one, other)

    erase(Contact.objects.get(pk=other.pk))

    assert found() == set()
    assert Contact.objects.filter(erased_at=None).count() == 0


def test_contact_that_was_merged_since_it_was_read_is_erased(
    account: Account, admin: User
) -> None:
    one, other, third = (factories.contact(account) for _ in "abc")
    as_read = Contact.objects.get(pk=other.pk)
    steps.merge(admin, one, other)
    erasure.request(third, origin=ErasureOrigin.ADMIN, by=admin)

    receipt = erasure.request(as_read, origin=ErasureOrigin.ADMIN, by=admin)

    assert sorted(receipt.contacts) == sorted([one.pk, other.pk])


def test_links_redirect_and_record_nothing(person: Contact) -> None:
    links = list(ShortLink.objects.order_by("pk").values("code", "target"))

    erase(person)
    factories.visit(ShortLink.objects.all()[0])
    processing.process_due()

    assert list(ShortLink.objects.order_by("pk").values("code", "target")) == links
    assert (Visit.objects.count(), Note.objects.count()) == (0, 0)


def test_counts_stay(person: Contact) -> None:
    before = sorted(DailyVisits.objects.values_list("link", "day", "verdict", "visits"))

    erase(person)

    after = sorted(DailyVisits.objects.values_list("link", "day", "verdict", "visits"))
    assert before
    assert after == before


def test_other_persons_keep_everything(person: Contact, account: Account) -> None:
    other = fixtures_full_account.fill(account, "Other", responsible=None)
    shared = steps.pixel("phone")
    PixelAttachment.objects.create(
        pixel=shared,
        contact=other.contact,
        evidence="click",
        first_seen_at=timezone.now(),
        last_seen_at=timezone.now(),
    )

    erase(person)

    for row in other.rows():
        row.refresh_from_db()
    assert Pixel.objects.filter(pk=shared.pk).exists()


def test_erased_person_is_not_imported_again(person: Contact, admin: User) -> None:
    erase(person)
    text = "entity_id,name\n4711000815,Zimmermann\n5,Anna\n"

    run = lifecycle.start(Upload(admin, ImportKind.CONTACTS, "b.csv", text.encode()))
    *_, run = batches.batches(run)

    assert (run.created, run.skipped) == (1, 1)
    assert found() == set()


def test_import_keeps_no_cells_of_a_person_whose_erasure_has_begun(
    person: Contact, admin: User
) -> None:
    erasure.request(person, origin=ErasureOrigin.ADMIN, by=admin)
    rows = b"entity_id,name\n4711000815,Zimmermann II\n5,Anna\n"

    run = importing.imported(admin, rows)

    assert (run.created, run.skipped) == (1, 1)
    assert "Zimmermann" not in str(list(run.rows.values_list("cells", flat=True)))


def test_row_of_a_waiting_import_is_not_stored(person: Contact, admin: User) -> None:
    rows = b"entity_id,name\n4711000815,Zimmermann II\n5,Anna\n"
    run = importing.confirmed(admin, rows)

    erase(person)
    importing.run_all()

    run.refresh_from_db()
    assert (run.state, run.created, run.skipped) == (ImportState.FINISHED, 1, 1)
    assert found() == set()


def test_running_import_stores_all_other_rows(
    admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The import has stored the person's row, and continues after the erasure."""
    monkeypatch.setattr(batches, "BATCH_SIZE", 2)
    rows = "".join(f"{id_},Client {id_}\n" for id_ in range(1, 7))
    run = importing.confirmed(admin, b"entity_id,name\n" + rows.encode())
    storing = batches.batches(run)
    next(storing)

    erase(Contact.objects.get(entity_id=1))
    list(storing)

    names = Contact.objects.exclude(name="").order_by("entity_id")
    assert [c.name for c in names] == [f"Client {id_}" for id_ in range(2, 7)]


def test_contact_that_was_erased_meanwhile_is_not_merged(
    person: Contact, account: Account, admin: User
) -> None:
    other = factories.contact(account, name="")
    Contact.objects.filter(pk=person.pk).update(is_deleted=True)

    lock = merges.lock_account(account.pk)
    cause = MergeCause(rule=MergeRule.MANUAL, event="by hand", by=admin)
    assert merges.merge(lock, other.pk, person.pk, cause) is None

    other.refresh_from_db()
    assert (other.name, other.merged_into) == ("", None)


def test_events_that_were_sent_for_a_merged_contact_are_erased(
    person: Contact, account: Account, admin: User
) -> None:
    other = factories.contact(account, name="Anna")
    merge = steps.merge(admin, other, person)
    steps.undo(admin, merge)
    assert WebhookDelivery.objects.filter(contact=other).exists()

    erase(Contact.objects.get(pk=person.pk))

    assert found() == set()
    assert not WebhookDelivery.objects.filter(subject_id=merge.pk).exists()


def test_names_in_the_log_of_rows_that_are_gone_are_erased(
    person: Contact, admin: User
) -> None:
    attachment = PixelAttachment.objects.get(contact=person)
    LogEntry.objects.log_actions(admin.pk, [attachment], CHANGE, "Petra Zimmermann")
    attachment.delete()

    erase(person)

    assert found() == set()


def test_shared_browser_goes_with_its_last_contact(person: Contact) -> None:
    Pixel.objects.update(shared_since=timezone.now())

    erase(person)

    assert not Pixel.objects.exists()


def test_contact_that_was_restored_meanwhile_is_not_erased(
    person: Contact, admin: User
) -> None:
    contacts.set_deleted([person.pk], is_deleted=True, by=admin)
    Contact.objects.update(deleted_at=timezone.now() - timedelta(days=31))
    contacts.set_deleted([person.pk], is_deleted=False, by=admin)

    with pytest.raises(NotDeleted):
        erasure.request(person, origin=ErasureOrigin.DELETION, by=None)

    assert Contact.objects.get(pk=person.pk).erased_at is None


def test_erased_ids_are_rejected_until_they_are_allowed(
    person: Contact, account: Account, admin: User
) -> None:
    new = NewContact(4711000815, "Zimmermann", "", "", None)
    receipt = erase(person)

    with pytest.raises(ErasedIds):
        contacts.create([new], user=admin)
    assert erased_identities.count(receipt) == 2  # and the chat's
    assert erased_identities.allow(receipt) == 2

    assert contacts.create([new], user=admin)


def test_chat_of_an_erased_person_is_rejected(person: Contact, admin: User) -> None:
    erase(person)
    new = NewChat("site", "+79161234567", "+79161234567", "", None)

    with pytest.raises(ErasedChat):
        chats.upsert(new, by=Reporter(admin))

    assert found() == set()


def test_erased_person_cannot_be_restored_or_erased_again(
    person: Contact, admin: User
) -> None:
    erase(person)
    contacts.set_deleted([person.pk], is_deleted=False, by=admin)

    erased = Contact.objects.get(pk=person.pk)
    with pytest.raises(AlreadyErased):
        erasure.request(erased, origin=ErasureOrigin.ADMIN, by=admin)

    assert erased.is_deleted


def test_second_request_gets_the_same_receipt(person: Contact) -> None:
    first = erasure.request(person, origin=ErasureOrigin.API, by=None)

    assert erasure.request(person, origin=ErasureOrigin.API, by=None) == first


def test_interrupted_erasure_continues(
    person: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "BATCH_SIZE", 1)
    receipt = erasure.request(person, origin=ErasureOrigin.API, by=None)

    assert not erasure.run(receipt, until=time.monotonic())
    assert found()
    Erasure.objects.update(due_at=timezone.now())
    assert erasure.run_due(time.monotonic() + 60) == 1

    assert found() == set()
    assert erasure.run_due(time.monotonic() + 60) == 0


@pytest.mark.parametrize(("days", "erased"), [(29, 0), (31, 1)])
def test_deleted_contact_is_erased_after_thirty_days(
    person: Contact, admin: User, days: int, erased: int
) -> None:
    contacts.set_deleted([person.pk], is_deleted=True, by=admin)
    Contact.objects.update(deleted_at=timezone.now() - timedelta(days=days))

    erasure.request_for_deleted()
    erasure.run_due(time.monotonic() + 60)

    assert Contact.objects.exclude(erased_at=None).count() == erased


def test_evidence_of_others_forgets_the_opens_of_the_person(
    account: Account, admin: User
) -> None:
    person, other, third = (factories.contact(account) for _ in "abc")
    steps.open_link("phone", person, "https://shop.example/mine")
    opened = Visit.objects.get()
    kept = factories.visit(factories.link(other, "https://shop.example/other"))
    merge = steps.merge(admin, other, third)
    merge.evidence = {
        "url": "https://shop.example/mine",
        "opened_at": 1,
        "visits": [str(opened.pk), str(kept.pk)],
        "pixel_id": steps.pixel("phone").pk,
    }
    merge.save()

    erase(person)

    merge.refresh_from_db()
    assert merge.evidence.keys() == {"visits", "pixel_id"}
    assert merge.evidence["visits"] == [str(kept.pk)]


def test_evidence_of_others_about_the_same_url_stays(
    account: Account, admin: User
) -> None:
    person, other, third = (factories.contact(account) for _ in "abc")
    url = "https://shop.example/sale"
    factories.link(person, url)
    kept = factories.visit(factories.link(other, url))
    merge = steps.merge(admin, other, third)
    merge.evidence = {"url": url, "opened_at": 1, "visits": [str(kept.pk)]}
    merge.save()

    erase(person)

    merge.refresh_from_db()
    assert merge.evidence["url"] == url
