"""Contacts out of tables: what is wrong with a row, and what is stored."""

from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
import xlsxwriter
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shortlinks.domain import imports, tables
from shortlinks.domain.imports import Stored
from shortlinks.domain.tables import NoTable
from shortlinks.models import Account, Contact, User
from tests import factories

HEAD = ["entity_id", "name", "responsible"]


def _workbook(rows: list[list[object]]) -> bytes:
    file = BytesIO()
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        "id,name\n7,Анна\n".encode(),
        "id;name\r\n7;Анна\r\n".encode("utf-8-sig"),
        "id\tname\n7\tАнна\n".encode("cp1251"),
        _workbook([["id", "name"], [7, "Анна"]]),
    ],
    ids=["commas", "semicolons", "tabs of an old Excel", "XLSX"],
)
def test_tables_are_read_as_people_bring_them(content: bytes) -> None:
    assert tables.read(content) == [["id", "name"], ["7", "Анна"]]


def _archive(**parts: bytes) -> bytes:
    file = BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"x" * (tables.MOST_BYTES + 1), "5 MB"),
        (b"id\n" + b"1\n" * (tables.MOST_ROWS + 1), "10,000"),
        (b"PK\x03\x04 no archive", "no XLSX"),
        (_archive(readme=b"hello"), "no XLSX"),
        (_archive(bomb=bytes(tables.MOST_UNPACKED + 1)), "5 MB"),
    ],
    ids=["bytes", "rows", "broken", "no workbook", "bomb"],
)
def test_what_is_no_table_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(NoTable, match=why):
        tables.read(content)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (["x", "Anna", ""], imports.NO_ID),
        (["0", "Anna", ""], imports.NO_ID),
        (["9" * 30, "Anna", ""], imports.NO_ID),
        (["", "", ""], None),  # an empty row is none
        (["", "", "nobody@shop.example"], imports.NAMELESS),
        (["5", "A" * 251, ""], imports.TOO_LONG),
        (["5", "Anna", "stranger@shop.example"], imports.NOBODY),
    ],
)
def test_a_row_has_its_fault(admin: User, row: list[str], fault: str | None) -> None:
    factories.user(factories.account(), email="stranger@shop.example")

    lines = imports.check([HEAD, row], admin)

    found = [line.faults[0] for line in lines]
    assert found == ([fault] if fault else [])


def test_an_id_twice_is_a_fault_of_both(admin: User) -> None:
    lines = imports.check([HEAD, ["7", "Anna", ""], ["7", "Olga", ""]], admin)

    assert [line.faults for line in lines] == [[imports.TWICE], [imports.TWICE]]


def test_unknown_columns_only_are_no_head(admin: User) -> None:
    with pytest.raises(tables.NoHead):
        imports.check([["phone"], ["1"]], admin)


def test_good_rows_are_stored_and_known_ones_changed(
    account: Account, admin: User
) -> None:
    manager = factories.user(account, email="manager@shop.example")
    known = factories.contact(account, entity_id=7, name="Before", first_name="Anna")
    rows = [
        HEAD,
        ["7", "After", "Manager@shop.example"],
        ["8", "New", ""],
        ["", "Without an id", ""],
        ["x", "Faulty", ""],
    ]

    stored = imports.store(imports.check(rows, admin), admin)

    known.refresh_from_db()
    new = Contact.objects.get(entity_id=8)
    assert stored == Stored(created=2, changed=1, left_out=1)
    assert (known.name, known.first_name) == ("After", "Anna")
    assert known.responsible_user == manager
    assert (new.name, new.responsible_user, new.created_by) == ("New", admin, admin)
    assert not Contact.objects.filter(name="Faulty").exists()


def test_contacts_out_of_reach_are_not_changed(account: Account) -> None:
    manager = factories.user(account, contacts_view="A", contacts_edit="M")
    other = factories.contact(account, entity_id=7, name="Before")

    stored = imports.store(imports.check([HEAD, ["7", "X", ""]], manager), manager)

    other.refresh_from_db()
    assert (stored, other.name) == (Stored(0, 0, 1), "Before")


def test_other_accounts_ids_are_others(account: Account, admin: User) -> None:
    foreign = factories.contact(factories.account(), entity_id=7, name="Foreign")

    imports.store(imports.check([HEAD, ["7", "Own", ""]], admin), admin)

    foreign.refresh_from_db()
    assert foreign.name == "Foreign"
    assert Contact.objects.get(account=account).name == "Own"


def test_a_thousand_rows_cost_a_few_queries(admin: User) -> None:
    rows = [HEAD, *([str(number), f"N {number}", ""] for number in range(1, 1001))]

    with CaptureQueriesContext(connection) as queries:
        imports.store(imports.check(rows, admin), admin)

    assert Contact.objects.count() == 1000
    assert len(queries) < 25
