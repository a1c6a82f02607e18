"""Contacts out of tables: what is wrong with a row, and what is stored."""

from collections.abc import Callable

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shortlinks.domain.contacts import contacts
from shortlinks.domain.contacts.contacts import ContactChange
from shortlinks.domain.imports import contact_import, lifecycle, spreadsheets
from shortlinks.domain.imports.checked_rows import CHANGED
from shortlinks.models import Account, Contact, ImportState, User
from tests import factories, importing
from tests.importing import counts, faults, table

HEAD = ["entity_id", "name", "responsible"]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (["x", "Anna", ""], contact_import.ID_MISSING),
        (["0", "Anna", ""], contact_import.ID_MISSING),
        (["9" * 30, "Anna", ""], contact_import.ID_MISSING),
        (["", "", "nobody@shop.example"], contact_import.NAME_MISSING),
        (["5", "A" * 251, ""], contact_import.TOO_LONG),
        (["5", "Anna", "stranger@shop.example"], contact_import.UNKNOWN_RESPONSIBLE),
    ],
)
def test_a_row_has_its_fault(admin: User, row: list[str], fault: str) -> None:
    factories.user(factories.account(), email="stranger@shop.example")

    run = importing.checked(admin, table(HEAD, row))

    assert faults(run)[2][0] == fault
    assert counts(run) == (0, 0, 1)


def test_an_id_twice_is_a_fault_of_both(
    admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shortlinks.domain.imports.batches.BATCH_SIZE", 1)
    rows = [["7", "Anna", ""], ["8", "Vera", ""], ["007", "Olga", ""]]

    run = importing.checked(admin, table(HEAD, *rows))

    assert faults(run) == {2: [contact_import.DUPLICATE], 4: [contact_import.DUPLICATE]}
    assert counts(run) == (1, 0, 2)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (importing.workbook(["phone"], [1]), contact_import.HEADER_MISSING),
        (importing.workbook(["id"]), lifecycle.NO_ROWS),
        (b"PK", spreadsheets.INVALID_XLSX),
    ],
    ids=["no head", "no rows", "no workbook"],
)
def test_a_file_that_is_found_bad_later_says_why(
    admin: User, content: bytes, why: str
) -> None:
    run = importing.begin(admin, importing.workbook(["id"], [7]))
    run.file.content = content
    run.file.save()

    importing.work_off()

    run.refresh_from_db()
    assert (run.state, run.error) == (ImportState.FAILED, why)


def test_a_table_without_rows_is_refused_at_once(admin: User) -> None:
    with pytest.raises(spreadsheets.UnreadableFile, match=lifecycle.NO_ROWS):
        importing.begin(admin, table(HEAD))


def test_good_rows_are_stored_and_known_ones_changed(
    account: Account, admin: User
) -> None:
    manager = factories.user(account, email="manager@shop.example")
    known = factories.contact(account, entity_id=7, name="Before", first_name="Anna")
    rows = [
        ["7", "After", "Manager@shop.example"],
        ["8", "New", ""],
        ["", "Without an id", ""],
        ["x", "Faulty", ""],
    ]

    run = importing.imported(admin, table(HEAD, *rows))

    known.refresh_from_db()
    new = Contact.objects.get(entity_id=8)
    assert counts(run) == (2, 1, 1)
    assert (known.name, known.first_name) == ("After", "Anna")
    assert known.responsible_user == manager
    assert (new.name, new.responsible_user, new.created_by) == ("New", admin, admin)
    assert not Contact.objects.filter(name="Faulty").exists()


def test_each_contact_and_the_import_have_a_line_of_history(
    account: Account, admin: User
) -> None:
    admin.language = "en"
    admin.save()
    known = factories.contact(account, entity_id=7)

    run = importing.imported(admin, table(HEAD, ["7", "A", ""], ["8", "B", ""]))

    new = Contact.objects.get(entity_id=8)
    told = LogEntry.objects.values_list("object_id", "change_message", "user")
    assert set(told) == {
        (str(known.pk), "Imported from table.csv.", admin.pk),
        (str(new.pk), "Imported from table.csv.", admin.pk),
        (str(run.pk), "Finished: created: 1, changed: 1, left out: 0.", admin.pk),
    }


def test_contacts_of_others_are_not_changed(account: Account, admin: User) -> None:
    foreign = factories.contact(factories.account(), entity_id=7, name="Foreign")

    importing.imported(admin, table(HEAD, ["7", "Own", ""]))

    foreign.refresh_from_db()
    assert foreign.name == "Foreign"
    assert Contact.objects.get(account=account).name == "Own"


def _goes(account: Account) -> None:
    Contact.objects.filter(entity_id=7).delete()


def _comes(account: Account) -> None:
    factories.contact(account, entity_id=8, name="Theirs")


def _is_changed(account: Account) -> None:
    change = ContactChange(7, "Theirs", None, None, None)
    contacts.update([change], user=factories.admin(account))


@pytest.mark.parametrize("happens", [_goes, _comes, _is_changed])
def test_what_others_did_after_the_check_is_left_as_it_is(
    account: Account, admin: User, happens: Callable[[Account], None]
) -> None:
    factories.contact(account, entity_id=7, name="Before")
    rows = [["7", "Mine", ""], ["8", "Mine", ""]]
    run = importing.confirmed(admin, table(HEAD, *rows))
    happens(account)

    importing.work_off()

    run.refresh_from_db()
    assert (run.state, run.processed, run.skipped) == (ImportState.FINISHED, 2, 1)
    assert list(faults(run).values()) == [[CHANGED]]
    assert Contact.objects.filter(name="Mine").count() == 1


def test_a_thousand_rows_cost_a_few_queries(admin: User) -> None:
    rows = [[str(number), f"N {number}", ""] for number in range(1, 1001)]

    with CaptureQueriesContext(connection) as queries:
        importing.imported(admin, table(HEAD, *rows))

    assert Contact.objects.count() == 1000
    assert len(queries) < 110
