"""Importing users and their letters in the admin and by the command."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from shortlinks.domain.imports import user_import
from shortlinks.models import Account, Import, ImportKind, User
from tests import factories, importing
from tests.admin.conftest import SignIn
from tests.admin.worlds import address

PATH = "/admin/import-users/"
HEAD = "email,name,group,view,edit,add,delete,export\n"


@pytest.fixture
def seller(account: Account) -> User:
    factories.group(account, name="Retail")
    return factories.user(account, email="seller@shop.example", name="Seller")


@pytest.fixture
def client(admin: User, sign_in: SignIn) -> Client:
    return sign_in(admin)


def _upload(client: Client, text: str) -> Any:
    file = SimpleUploadedFile("rights.csv", (HEAD + text).encode(), "text/csv")
    return client.post(PATH, {"file": file}, follow=True)


def _import(client: Client) -> str:
    """What was uploaded, on the second word."""
    importing.work_off()
    run = Import.objects.get()
    client.post(f"/admin/shortlinks/import/{run.pk}/store/")
    importing.work_off()
    return client.get(address(run, "change")).content.decode()


def _letters(user: User) -> str:
    user.refresh_from_db()
    names = user_import.LEVEL_COLUMNS.values()
    return "".join(getattr(user, name) for name in names)


def test_letters_are_changed_and_users_made_on_the_second_word(
    client: Client, seller: User
) -> None:
    _upload(
        client, "Seller@Shop.example,,Retail,G,M,D,D,\nnew@shop.example,New,,m,M,,,\n"
    )
    importing.work_off()
    assert _letters(seller) == "AAADD"

    told = _import(client)

    new = User.objects.get(email="new@shop.example")
    assert "created: 1, changed: 1, left out: 0." in told
    assert _letters(seller) == "GMDDD"
    assert (seller.name, seller.group and seller.group.name) == ("Seller", "Retail")
    assert (_letters(new), new.account, new.has_usable_password()) == (
        "MMADD",
        seller.account,
        False,
    )
    of_users = LogEntry.objects.filter(content_type__model="user")
    assert {entry.object_id for entry in of_users} == {
        str(seller.pk),
        str(new.pk),
    }


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("nobody,,,A,,,,", "no e-mail"),
        ("seller@shop.example,,Nowhere,A,,,,", "no such group"),
        ("seller@shop.example,,,X,,,,", "one of the letters"),
        ("seller@shop.example,,,M,A,,,", "not edit more"),
        ("seller@shop.example,,,M,,,,", "not edit more"),
        ("seller@shop.example,,,A,M,,G,", "not delete more"),
        ("seller@shop.example,,,M,M,,,A", "not export more"),
        ("seller@shop.example,,,,,G,,", "right to add"),
        ("other@people.example,,,A,,,,", "may not change"),
        ("operator@people.example,,,A,,,,", "may not change"),
        (f"new@shop.example,{'x' * 251},,A,,,,", "longer than"),
        ("a@shop.example,,,,,,,\na@shop.example,,,,,,,", "several rows"),
    ],
)
def test_a_faulty_row_is_named_and_left_out(
    client: Client, seller: User, row: str, fault: str
) -> None:
    factories.user(factories.account(), email="other@people.example")
    at_work = {"is_superuser": True, "email": "operator@people.example"}
    factories.user(seller.account, **at_work)
    before = User.objects.count()

    _upload(client, row)
    page = _import(client)

    assert fault in page
    assert _letters(seller) == "AAADD"
    assert User.objects.count() == before


def test_russian_letters_that_look_the_same_are_meant_so(
    client: Client, seller: User
) -> None:
    _upload(client, "seller@shop.example,,,А,М,А,D,D\n")
    _import(client)

    assert _letters(seller) == "AMADD"


def test_letters_that_somebody_changed_after_the_check_stay(
    client: Client, seller: User
) -> None:
    _upload(client, "seller@shop.example,,,M,M,,,\n")
    importing.work_off()
    User.objects.filter(pk=seller.pk).update(contacts_edit="D")

    page = _import(client)

    assert "Somebody else changed this after it was checked." in page
    assert _letters(seller) == "ADADD"


def test_a_hundred_rows_cost_no_more_queries_than_one(admin: User) -> None:
    rows = [["email", "view"], *([f"u{n}@shop.example", "A"] for n in range(100))]

    with CaptureQueriesContext(connection) as queries:
        importing.imported(admin, importing.table(*rows), ImportKind.USERS)

    assert len(queries) <= 60
    assert User.objects.filter(email__startswith="u").count() >= 100


def test_managers_import_no_rights(sign_in: SignIn, manager: User) -> None:
    client = sign_in(manager)

    assert client.get(PATH).status_code == 403
    assert PATH not in client.get("/admin/").content.decode()


def test_the_command_imports_and_names_the_faults(
    admin: User, seller: User, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rights.csv"
    file.write_text(f"{HEAD}seller@shop.example,,,M,M,D,D,D\nnobody,,,A,,,,\n")

    call_command("import_users", file, admin.email, dry_run=True)
    assert _letters(seller) == "AAADD"
    call_command("import_users", file, admin.email)

    said = capsys.readouterr()
    assert said.out.splitlines() == [
        "would be imported: 1 of 2",
        "created: 0, changed: 1, left out: 1",
    ]
    assert "row 3: This is no e-mail address." in said.err
    assert _letters(seller) == "MMDDD"


def test_only_administrators_import_by_the_command(
    seller: User, tmp_path: Path
) -> None:
    (tmp_path / "rights.csv").write_text(HEAD)

    with pytest.raises(CommandError):
        call_command("import_users", tmp_path / "rights.csv", seller.email)
