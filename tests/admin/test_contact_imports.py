"""Import of contacts in the admin and by the command."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from shortlinks.domain.imports import batches, spreadsheets
from shortlinks.models import Contact, Import, ImportState, User
from tests import factories, importing
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import World, address, listing

PATH = "/admin/import/"
TABLE = "entity_id,name,responsible\n7,Anna,\n,Olga,\nx,Faulty,\n"


@pytest.fixture
def client(admin: User, sign_in: SignIn) -> Client:
    return sign_in(admin)


def _upload(client: Client, text: str = TABLE) -> Any:
    file = SimpleUploadedFile("contacts.csv", text.encode(), "text/csv")
    return client.post(PATH, {"file": file}, follow=True)


def _page(client: Client, run: Import, part: str = "change") -> str:
    if part == "change":
        return client.get(address(run, part)).content.decode()
    return client.get(_beside(run, part)).content.decode()


def _beside(run: Import, part: str) -> str:
    return f"/admin/shortlinks/import/{run.pk}/{part}"


def _say(client: Client, run: Import, word: str) -> str:
    page: Any = client.post(_beside(run, f"{word}/"), follow=True)
    return str(page.content.decode())


def _names() -> set[str]:
    return set(Contact.objects.values_list("name", flat=True))


def test_import_shows_a_preview_before_storing(client: Client) -> None:
    begun = _upload(client).content.decode()
    importing.run_all()

    run = Import.objects.get()
    page = _page(client, run)
    assert "Checking the file" in begun
    assert "New: 2, updated: 0, skipped because of errors: 1. Unchanged: 0." in page
    assert page.index("The ID must be a whole number, at least 1.") < page.index("Anna")
    assert _names() == set()


def test_confirmed_import_is_stored_once(client: Client) -> None:
    _upload(client)
    importing.run_all()
    run = Import.objects.get()

    said = [_say(client, run, "store") for _ in range(2)]
    importing.run_all()

    assert "Import started." in said[0]
    assert "This import has already started or ended." in said[1]
    assert "new: 2, updated: 0, unchanged: 0, skipped: 1." in _page(client, run)
    assert _names() == {"Anna", "Olga"}


def test_import_is_logged_with_its_user(client: Client, admin: User) -> None:
    admin.language = "en"
    admin.save()
    _upload(client)
    importing.run_all()
    run = Import.objects.get()
    _say(client, run, "store")
    importing.run_all()

    told = LogEntry.objects.filter(content_type__model="import", user=admin)
    assert list(told.order_by("id").values_list("change_message", flat=True)) == [
        "Uploaded.",
        "Import started.",
        "Finished: new: 2, updated: 0, unchanged: 0, skipped: 1.",
    ]


def test_import_page_shows_the_progress(
    client: Client, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH_SIZE", 1)
    run = importing.start(admin, TABLE.encode())
    batches.run_next(lambda: False)

    response = client.get(_beside(run, "progress/"))
    importing.run_all()
    ended = client.get(_beside(run, "progress/"))

    part = response.content.decode()
    assert 'data-announce="Checking the file: 30 %"' in part
    assert 'max="3" value="1"' in part
    assert "1 of 3 rows" in part
    assert "X-Ended" not in response.headers
    assert "X-Ended" in ended.headers


def test_import_page_reloads_without_javascript(client: Client, admin: User) -> None:
    run = importing.start(admin, TABLE.encode())

    under_way = _page(client, run)
    importing.run_all()

    again = '<noscript><meta http-equiv="refresh" content="5"></noscript>'
    assert again in under_way
    assert again not in _page(client, run)


def test_import_page_shows_that_no_worker_runs(client: Client, admin: User) -> None:
    run = importing.start(admin, TABLE.encode())
    assert "No worker" not in _page(client, run)

    Import.objects.update(due_at=timezone.now() - timedelta(seconds=20))

    assert "No worker is running." in _page(client, run)

    another = importing.start(admin, TABLE.encode())
    leased_until = timezone.now() + timedelta(seconds=60)
    Import.objects.filter(pk=another.pk).update(due_at=leased_until, is_leased=True)
    assert "No worker" not in _page(client, run)


def test_canceled_import_shows_the_counts(
    client: Client, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH_SIZE", 1)
    run = importing.confirmed(admin, TABLE.encode())
    batches.run_next(lambda: False)

    page = _say(client, run, "cancel")
    importing.run_all()

    assert "1 of 3 rows — new: 1, updated: 0, unchanged: 0, skipped: 0." in page
    assert _names() == {"Anna"}
    assert "This import has already ended." in _say(client, run, "cancel")


def test_rows_with_errors_are_exported_in_the_import_format(
    client: Client, admin: User
) -> None:
    run = importing.checked(admin, TABLE.encode())

    table = client.get(_beside(run, "errors.csv"))

    assert table.content.decode("utf-8-sig").splitlines() == [
        "entity_id,name,first_name,last_name,responsible,tracking_consent,"
        "consent_source,consent_text_version,consent_given_at,Row,Errors",
        'x,Faulty,,,,,,,,4,"The ID must be a whole number, at least 1."',
    ]


def test_import_preview_shows_100_rows_and_counts_the_rest(
    client: Client, admin: User
) -> None:
    rows = [f"{n},N" for n in range(1, 151)] + [f"x{n},F" for n in range(3)]
    run = importing.checked(admin, "\n".join(["id,name", *rows]).encode())

    page = _page(client, run)

    assert page.count('<td class="number">') == 100
    assert page.count("The ID must be a whole number") == 3
    assert "And 53 more rows." in page


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("phone\n1\n", "must contain the column names"),
        ("", "empty"),
        ("id\n", "no rows"),
        ("x" * (spreadsheets.MAX_FILE_BYTES + 1), "larger than 20 MB"),
        ("PK", "not an XLSX file"),
    ],
    ids=["no head", "empty", "no rows", "too large", "no workbook"],
)
def test_invalid_file_is_rejected_at_upload(
    client: Client, text: str, said: str
) -> None:
    assert said in _upload(client, text).content.decode()
    assert not Import.objects.exists()


def test_upload_beyond_the_quota_is_rejected(
    client: Client, settings: Settings
) -> None:
    settings.MAX_UNFINISHED_IMPORTS_PER_ACCOUNT = 1
    _upload(client)

    page = _upload(client).content.decode()

    assert "Too many files wait to be imported." in page
    assert Import.objects.count() == 1


def test_preview_names_what_is_not_imported(client: Client, admin: User) -> None:
    run = importing.checked(admin, b"id,name,<b>Phone</b>\n7,Anna,1\n")

    page = _page(client, run)

    assert "These columns are not imported: &lt;b&gt;Phone&lt;/b&gt;." in page


def test_failed_import_shows_its_error(client: Client, admin: User) -> None:
    run = importing.confirmed(admin, TABLE.encode())
    admin.is_admin = False
    admin.save()
    importing.run_all()
    admin.is_admin = True
    admin.save()

    assert "The user who started this import no longer has permission." in _page(
        client, run
    )


def test_manager_cannot_import_contacts(
    sign_in: SignIn, manager: User, own: World
) -> None:
    client = sign_in(manager)

    parts = ("progress/", "errors.csv")
    pages = [PATH, listing(Import), *(_beside(own.run, part) for part in parts)]
    assert {client.get(page).status_code for page in pages} == {403}
    assert client.post(_beside(own.run, "store/")).status_code == 404
    assert _upload(client).status_code == 403
    assert PATH not in client.get("/admin/").content.decode()


@pytest.mark.parametrize("part", ["change/", "progress/", "errors.csv"])
def test_imports_of_other_accounts_look_missing(
    client: Client, foreign: World, part: str
) -> None:
    assert client.get(_beside(foreign.run, part)).status_code == 404
    assert client.get(f"/admin/shortlinks/import/none/{part}").status_code == 404


@pytest.mark.parametrize("word", ["store", "cancel"])
def test_imports_of_other_accounts_cannot_be_confirmed(
    client: Client, foreign: World, word: str
) -> None:
    assert client.post(_beside(foreign.run, f"{word}/")).status_code == 404
    assert client.post(f"/admin/shortlinks/import/none/{word}/").status_code == 404

    foreign.run.refresh_from_db()
    assert foreign.run.state == ImportState.CHECKED


def test_import_of_another_user_can_be_viewed_but_not_confirmed(
    client: Client, admin: User, own: World
) -> None:
    page = _page(client, own.run)
    said = _say(client, own.run, "store")

    assert "Only the user who uploaded the file can import it." in page
    assert "Only the user who uploaded the file can import it." in said
    assert own.run.name in client.get(listing(Import)).content.decode()


def test_import_command_reports_rows_with_errors(
    admin: User, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "contacts.csv"
    file.write_text(TABLE)

    call_command("import_contacts", file, admin.email, dry_run=True)
    call_command("import_contacts", file, admin.email)

    said = capsys.readouterr()
    assert said.out.splitlines() == [
        "would be created: 2, changed: 0, unchanged: 0, skipped: 1",
        "created: 2, changed: 0, unchanged: 0, skipped: 1",
    ]
    assert "row 4: The ID must be a whole number, at least 1." in said.err
    assert "finished: 3 of 3" in said.err
    assert _names() == {"Anna", "Olga"}
    assert Import.objects.get().name == "contacts.csv"


def test_import_command_uses_the_permissions_of_its_user(
    manager: User, own: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = factories.contact(own.account, entity_id=7, name="Before")
    manager.contacts_add = "D"
    manager.save()
    file = tmp_path / "contacts.csv"
    file.write_text("id,name\n7,After\n8,New\n")

    call_command("import_contacts", file, manager.email)

    other.refresh_from_db()
    told = capsys.readouterr().err
    assert "row 2: You are not allowed to change this contact." in told
    assert "row 3: You are not allowed to add contacts." in told
    assert other.name == "Before"
    assert Contact.objects.filter(name__in=["After", "New"]).count() == 0


@pytest.mark.parametrize(
    ("name", "email"),
    [
        ("none.csv", ""),
        ("contacts.csv", "nobody@shop.example"),
        ("empty.csv", ""),
        ("empty.xlsx", ""),
    ],
)
def test_import_command_reports_why_it_fails(
    admin: User, tmp_path: Path, name: str, email: str
) -> None:
    (tmp_path / "contacts.csv").write_text(TABLE)
    (tmp_path / "empty.csv").write_text("id\n")
    (tmp_path / "empty.xlsx").write_bytes(importing.workbook(["id"]))

    with pytest.raises(CommandError):
        call_command("import_contacts", tmp_path / name, email or admin.email)
