"""Import of users in the admin and by the command."""

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
from tests.admin.fixtures_full_account import address

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
    """Upload a file and confirm the import."""
    importing.run_all()
    run = Import.objects.get()
    client.post(f"/admin/shortlinks/import/{run.pk}/store/")
    importing.run_all()
    return client.get(address(run, "change")).content.decode()


def _letters(user: User) -> str:
    user.refresh_from_db()
    names = user_import.LEVEL_COLUMNS.values()
    return "".join(getattr(user, name) for name in names)


def test_confirmed_import_changes_levels_and_creates_users(
    client: Client, seller: User
) -> None:
    _upload(
        client, "Seller@Shop.example,,Retail,G,M,D,D,\nnew@shop.example,New,,m,M,,,\n"
    )
    importing.run_all()
    assert _letters(seller) == "AAADD"

    told = _import(client)

    new = User.objects.get(email="new@shop.example")
    assert "new: 1, updated: 1, unchanged: 0, skipped: 0." in told
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
        ("nobody,,,A,,,,", "valid e-mail"),
        (f"{'x' * 250}@shop.example,,,A,,,,", "longer than 254"),
        ("seller@shop.example,,,A,A,,,,,,x", "without a column name"),
        ("seller@shop.example,,Nowhere,A,,,,", "This group does not exist"),
        ("seller@shop.example,,,X,,,,", "must be A, G, M or D"),
        ("seller@shop.example,,,M,A,,,", "Edit access cannot exceed"),
        ("seller@shop.example,,,M,,,,", "Edit access cannot exceed"),
        ("seller@shop.example,,,A,M,,G,", "Delete access cannot exceed"),
        ("seller@shop.example,,,M,M,,,A", "Export access cannot exceed"),
        ("seller@shop.example,,,,,G,,", "Add access can only be"),
        ("other@people.example,,,A,,,,", "not allowed to change"),
        ("operator@people.example,,,A,,,,", "not allowed to change"),
        (f"new@shop.example,{'x' * 251},,A,,,,", "longer than"),
        ("a@shop.example,,,,,,,\na@shop.example,,,,,,,", "several rows"),
    ],
)
def test_row_with_errors_is_skipped_with_its_reason(
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


def test_cyrillic_look_alikes_count_as_latin_levels(
    client: Client, seller: User
) -> None:
    _upload(client, "seller@shop.example,,,А,М,А,D,D\n")
    _import(client)

    assert _letters(seller) == "AMADD"


def test_levels_changed_after_the_check_stay(client: Client, seller: User) -> None:
    _upload(client, "seller@shop.example,,,M,M,,,\n")
    importing.run_all()
    User.objects.filter(pk=seller.pk).update(contacts_edit="D")

    page = _import(client)

    assert "The record changed after the check. Import this row again." in page
    assert _letters(seller) == "ADADD"


def test_user_import_takes_a_fixed_number_of_queries(admin: User) -> None:
    rows = [["email", "view"], *([f"u{n}@shop.example", "A"] for n in range(100))]

    with CaptureQueriesContext(connection) as queries:
        importing.imported(admin, importing.table(*rows), ImportKind.USERS)

    assert len(queries) <= 65
    assert User.objects.filter(email__startswith="u").count() >= 100


def test_manager_cannot_import_users(sign_in: SignIn, manager: User) -> None:
    client = sign_in(manager)

    assert client.get(PATH).status_code == 403
    assert PATH not in client.get("/admin/").content.decode()


def test_import_command_reports_rows_with_errors(
    admin: User, seller: User, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rights.csv"
    file.write_text(f"{HEAD}seller@shop.example,,,M,M,D,D,D\nnobody,,,A,,,,\n")

    call_command("import_users", file, admin.email, dry_run=True)
    assert _letters(seller) == "AAADD"
    call_command("import_users", file, admin.email)

    said = capsys.readouterr()
    assert said.out.splitlines() == [
        "would be created: 0, changed: 1, unchanged: 0, skipped: 1",
        "created: 0, changed: 1, unchanged: 0, skipped: 1",
    ]
    assert "row 3: Enter a valid e-mail address." in said.err
    assert _letters(seller) == "MMDDD"


def test_import_command_requires_an_administrator(seller: User, tmp_path: Path) -> None:
    (tmp_path / "rights.csv").write_text(HEAD)

    with pytest.raises(CommandError):
        call_command("import_users", tmp_path / "rights.csv", seller.email)
