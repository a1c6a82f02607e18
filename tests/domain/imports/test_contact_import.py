"""Import of contacts: errors of rows, and what is stored."""

from collections.abc import Callable

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shortlinks.domain.contacts import contacts
from shortlinks.domain.contacts.contacts import ContactChange
from shortlinks.domain.imports import contact_import, file_errors, lifecycle
from shortlinks.domain.imports.checked_rows import CHANGED
from shortlinks.models import Account, Contact, ImportState, User
from tests import factories, importing
from tests.importing import counts, errors, table

HEADER = ["entity_id", "name", "responsible"]


@pytest.mark.parametrize(
    ("row", "error"),
    [
        (["x", "Anna", ""], contact_import.ID_INVALID),
        (["0", "Anna", ""], contact_import.ID_INVALID),
        (["7.5", "Anna", ""], contact_import.ID_INVALID),
        (["7.0", "Anna", ""], contact_import.ID_INVALID),
        (["-7", "Anna", ""], contact_import.ID_INVALID),
        (["٧", "Anna", ""], contact_import.ID_INVALID),
        (["9" * 40, "Anna", ""], contact_import.ID_TOO_LARGE),
        ([str(2**63), "Anna", ""], contact_import.ID_TOO_LARGE),
        (["0" * 30 + "9" * 30, "Anna", ""], contact_import.ID_TOO_LARGE),
        (["007", "Anna", ""], contact_import.ID_WITH_ZEROS),
        (["7", "Anna", "", "Omitted name"], file_errors.EXTRA_CELLS),
        (["", "", "nobody@shop.example"], contact_import.NAME_MISSING),
        (["5", "A" * 251, ""], contact_import.TOO_LONG),
        (["5", "Anna", "stranger@shop.example"], contact_import.UNKNOWN_RESPONSIBLE),
    ],
)
def test_row_has_its_error(admin: User, row: list[str], error: str) -> None:
    factories.user(factories.account(), email="stranger@shop.example")

    run = importing.checked(admin, table(HEADER, row))

    assert errors(run)[2][0] == error
    assert counts(run) == (0, 0, 1)


def test_duplicate_id_is_an_error_of_both_rows(
    admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shortlinks.domain.imports.batches.BATCH_SIZE", 1)
    rows = [["7", "Anna", ""], ["8", "Vera", ""], ["007", "Olga", ""]]

    run = importing.checked(admin, table(HEADER, *rows))

    assert errors(run) == {
        2: [contact_import.DUPLICATE],
        4: [contact_import.ID_WITH_ZEROS, contact_import.DUPLICATE],
    }
    assert counts(run) == (1, 0, 2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (importing.workbook(["phone"], [1]), contact_import.HEADER_MISSING),
        (importing.workbook(["id"]), lifecycle.NO_ROWS),
        (b"PK", file_errors.INVALID_XLSX),
    ],
    ids=["no header", "no rows", "no workbook"],
)
def test_import_of_an_unreadable_file_fails_with_a_message(
    admin: User, content: bytes, message: str
) -> None:
    run = importing.start(admin, importing.workbook(["id"], [7]))
    run.file.content = content
    run.file.save()

    importing.run_all()

    run.refresh_from_db()
    assert (run.state, run.error) == (ImportState.FAILED, message)


def test_file_without_rows_is_rejected_immediately(admin: User) -> None:
    with pytest.raises(file_errors.UnreadableFile, match=lifecycle.NO_ROWS):
        importing.start(admin, table(HEADER))


def test_valid_rows_create_or_change_contacts(account: Account, admin: User) -> None:
    manager = factories.user(account, email="manager@shop.example")
    known = factories.contact(account, entity_id=7, name="Before", first_name="Anna")
    rows = [
        ["7", "After", "Manager@shop.example"],
        ["8", "New", ""],
        ["", "Without an id", ""],
        ["x", "Faulty", ""],
    ]

    run = importing.imported(admin, table(HEADER, *rows))

    known.refresh_from_db()
    new = Contact.objects.get(entity_id=8)
    assert counts(run) == (2, 1, 1)
    assert (known.name, known.first_name) == ("After", "Anna")
    assert known.responsible_user == manager
    assert (new.name, new.responsible_user, new.created_by) == ("New", admin, admin)
    assert not Contact.objects.filter(name="Faulty").exists()


def test_import_is_logged_for_each_contact_and_itself(
    account: Account, admin: User
) -> None:
    admin.language = "en"
    admin.save()
    known = factories.contact(account, entity_id=7)

    run = importing.imported(admin, table(HEADER, ["7", "A", ""], ["8", "B", ""]))

    new = Contact.objects.get(entity_id=8)
    entries = LogEntry.objects.values_list("object_id", "change_message", "user")
    assert set(entries) == {
        (str(known.pk), "Imported from table.csv.", admin.pk),
        (str(new.pk), "Imported from table.csv.", admin.pk),
        (
            str(run.pk),
            f"Finished: {lifecycle.summary(run)}",
            admin.pk,
        ),
    }


def test_contacts_of_other_accounts_are_not_changed(
    account: Account, admin: User
) -> None:
    foreign = factories.contact(factories.account(), entity_id=7, name="Foreign")

    importing.imported(admin, table(HEADER, ["7", "Own", ""]))

    foreign.refresh_from_db()
    assert foreign.name == "Foreign"
    assert Contact.objects.get(account=account).name == "Own"


def _delete(account: Account) -> None:
    Contact.objects.filter(entity_id=7).delete()


def _create(account: Account) -> None:
    factories.contact(account, entity_id=8, name="Theirs")


def _change(account: Account) -> None:
    change = ContactChange(7, "Theirs", None, None, None)
    contacts.update([change], user=factories.admin(account))


@pytest.mark.parametrize("concurrent_change", [_delete, _create, _change])
def test_row_is_skipped_if_its_contact_changed_after_the_check(
    account: Account, admin: User, concurrent_change: Callable[[Account], None]
) -> None:
    factories.contact(account, entity_id=7, name="Before")
    rows = [["7", "Mine", ""], ["8", "Mine", ""]]
    run = importing.confirmed(admin, table(HEADER, *rows))
    concurrent_change(account)

    importing.run_all()

    run.refresh_from_db()
    assert (run.state, run.processed, run.skipped) == (ImportState.FINISHED, 2, 1)
    assert list(errors(run).values()) == [[CHANGED]]
    assert Contact.objects.filter(name="Mine").count() == 1


def test_import_of_a_thousand_rows_takes_few_queries(admin: User) -> None:
    rows = [[str(number), f"N {number}", ""] for number in range(1, 1001)]

    with CaptureQueriesContext(connection) as queries:
        importing.imported(admin, table(HEADER, *rows))

    assert Contact.objects.count() == 1000
    assert len(queries) < 110


@pytest.mark.parametrize(
    ("header", "cells", "names"),
    [
        (["имя"], ["Анна"], ("Анна", "", "")),
        (["имя", "фамилия"], ["Анна", "Ли"], ("Анна Ли", "Анна", "Ли")),
        (["Название", "имя", "фамилия"], ["ООО", "Анна", "Ли"], ("ООО", "Анна", "Ли")),
    ],
)
def test_russian_columns_of_names(
    admin: User, header: list[str], cells: list[str], names: tuple[str, str, str]
) -> None:
    importing.imported(admin, table(["id", *header], ["7", *cells]))

    contact = Contact.objects.get(entity_id=7)
    assert (contact.name, contact.first_name, contact.last_name) == names


def test_formula_of_an_exported_file_is_imported_without_its_apostrophe(
    admin: User,
) -> None:
    importing.imported(admin, table(HEADER, ["7", "'=Name", ""]))

    assert Contact.objects.get().name == "=Name"


def test_unchanged_rows_are_not_stored(account: Account, admin: User) -> None:
    rows = [["7", "Anna", admin.email], ["8", "Vera", ""]]
    importing.imported(admin, table(HEADER, *rows))
    stored = list(Contact.objects.order_by("pk").values())

    run = importing.imported(admin, table(HEADER, *rows))
    again = importing.imported(
        admin, table(HEADER, *rows[:1], ["8", "Olga", ""], ["9", "New", ""])
    )

    assert (counts(run), run.unchanged) == ((0, 0, 0), 2)
    assert list(Contact.objects.order_by("pk").values())[:1] == stored[:1]
    assert (counts(again), again.unchanged) == ((1, 1, 0), 1)


def test_import_of_an_anonymous_contact_is_a_change(
    account: Account, admin: User
) -> None:
    contact = factories.contact(
        account, entity_id=7, name="Anna", responsible_user=admin, is_anonymous=True
    )

    run = importing.imported(admin, table(HEADER, ["7", "Anna", ""]))

    contact.refresh_from_db()
    assert (counts(run), contact.is_anonymous) == ((0, 1, 0), False)


def test_ignored_columns_and_sheets_are_stored(admin: User) -> None:
    run = importing.checked(admin, table([*HEADER, "Phone"], ["7", "Anna", "", "1"]))

    assert (run.ignored_columns, run.ignored_sheets) == (["Phone"], [])
