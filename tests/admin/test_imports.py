"""Importing contacts in the admin and by the command."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from shortlinks.domain.imports import batches, spreadsheets
from shortlinks.models import Contact, Import, ImportState, User
from tests import factories, importing
from tests.admin.conftest import SignIn
from tests.admin.worlds import World, address, listing

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


def test_a_file_is_looked_at_before_it_is_stored(client: Client) -> None:
    begun = _upload(client).content.decode()
    importing.work_off()

    run = Import.objects.get()
    page = _page(client, run)
    assert "The file is being checked" in begun
    assert "New: 2, changed: 0, with faults and so left out: 1." in page
    assert page.index("The id must be a whole number from 1.") < page.index("Anna")
    assert _names() == set()


def test_the_second_word_stores_it_once(client: Client) -> None:
    _upload(client)
    importing.work_off()
    run = Import.objects.get()

    said = [_say(client, run, "store") for _ in range(2)]
    importing.work_off()

    assert "The rows are being stored." in said[0]
    assert "There is nothing to import any more." in said[1]
    assert "created: 2, changed: 0, left out: 1." in _page(client, run)
    assert _names() == {"Anna", "Olga"}


def test_the_audit_log_says_who_did_what(client: Client, admin: User) -> None:
    admin.language = "en"
    admin.save()
    _upload(client)
    importing.work_off()
    run = Import.objects.get()
    _say(client, run, "store")
    importing.work_off()

    told = LogEntry.objects.filter(content_type__model="import", user=admin)
    assert list(told.order_by("id").values_list("change_message", flat=True)) == [
        "Uploaded.",
        "The rows are being stored.",
        "Finished: created: 2, changed: 0, left out: 1.",
    ]


def test_the_page_tells_how_far_it_has_got(
    client: Client, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH_SIZE", 1)
    run = importing.begin(admin, TABLE.encode())
    batches.run_next(lambda: False)

    response = client.get(_beside(run, "progress/"))
    importing.work_off()
    ended = client.get(_beside(run, "progress/"))

    part = response.content.decode()
    assert 'data-said="The file is being checked: 30 %"' in part
    assert 'max="3" value="1"' in part
    assert "1 of 3 rows" in part
    assert "X-Ended" not in response.headers
    assert "X-Ended" in ended.headers


def test_a_page_without_scripts_asks_again_by_itself(
    client: Client, admin: User
) -> None:
    run = importing.begin(admin, TABLE.encode())

    under_way = _page(client, run)
    importing.work_off()

    again = '<noscript><meta http-equiv="refresh" content="5"></noscript>'
    assert again in under_way
    assert again not in _page(client, run)


def test_it_says_that_no_worker_runs(client: Client, admin: User) -> None:
    run = importing.begin(admin, TABLE.encode())
    assert "No worker" not in _page(client, run)

    Import.objects.update(due_at=timezone.now() - timedelta(seconds=20))

    assert "No worker has gone on with this for a while." in _page(client, run)

    another = importing.begin(admin, TABLE.encode())  # whose turn it is
    leased_until = timezone.now() + timedelta(seconds=60)
    Import.objects.filter(pk=another.pk).update(due_at=leased_until)
    assert "No worker" not in _page(client, run)


def test_cancelling_says_what_was_done(
    client: Client, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH_SIZE", 1)
    run = importing.confirmed(admin, TABLE.encode())
    batches.run_next(lambda: False)

    page = _say(client, run, "cancel")
    importing.work_off()

    assert "1 of 3 rows — created: 1, changed: 0, left out: 0." in page
    assert _names() == {"Anna"}
    assert "There is nothing to import any more." in _say(client, run, "cancel")


def test_faulty_rows_are_had_as_a_table_that_can_be_imported(
    client: Client, admin: User
) -> None:
    run = importing.checked(admin, TABLE.encode())

    table = client.get(_beside(run, "errors.csv"))

    assert table.content.decode("utf-8-sig").splitlines() == [
        "entity_id,name,first_name,last_name,responsible,Row,What is wrong",
        "x,Faulty,,,,4,The id must be a whole number from 1.",
    ]


def test_a_hundred_rows_are_shown_and_the_rest_is_counted(
    client: Client, admin: User
) -> None:
    rows = [f"{n},N" for n in range(1, 151)] + [f"x{n},F" for n in range(3)]
    run = importing.checked(admin, "\n".join(["id,name", *rows]).encode())

    page = _page(client, run)

    assert page.count('<td class="number">') == 100
    assert page.count("The id must be a whole number") == 3
    assert "And 53 more rows." in page


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("phone\n1\n", "must name the columns"),
        ("", "empty"),
        ("id\n", "no rows"),
        ("x" * (spreadsheets.MAX_FILE_BYTES + 1), "larger than 20 MB"),
        ("PK", "no XLSX"),
    ],
    ids=["no head", "empty", "no rows", "too large", "no workbook"],
)
def test_what_is_no_table_is_said_at_once(client: Client, text: str, said: str) -> None:
    assert said in _upload(client, text).content.decode()
    assert not Import.objects.exists()


def test_what_stopped_it_is_said(client: Client, admin: User) -> None:
    run = importing.confirmed(admin, TABLE.encode())
    admin.is_admin = False
    admin.save()
    importing.work_off()
    admin.is_admin = True
    admin.save()

    assert "Who began this may not import any more." in _page(client, run)


def test_managers_import_nothing(sign_in: SignIn, manager: User, own: World) -> None:
    client = sign_in(manager)

    parts = ("progress/", "errors.csv")
    pages = [PATH, listing(Import), *(_beside(own.run, part) for part in parts)]
    assert {client.get(page).status_code for page in pages} == {403}
    assert client.post(_beside(own.run, "store/")).status_code == 404
    assert _upload(client).status_code == 403
    assert PATH not in client.get("/admin/").content.decode()


@pytest.mark.parametrize("part", ["change/", "progress/", "errors.csv"])
def test_other_accounts_imports_are_not_there(
    client: Client, foreign: World, part: str
) -> None:
    assert client.get(_beside(foreign.run, part)).status_code == 404
    assert client.get(f"/admin/shortlinks/import/none/{part}").status_code == 404


@pytest.mark.parametrize("word", ["store", "cancel"])
def test_other_accounts_imports_hear_no_word(
    client: Client, foreign: World, word: str
) -> None:
    assert client.post(_beside(foreign.run, f"{word}/")).status_code == 404
    assert client.post(f"/admin/shortlinks/import/none/{word}/").status_code == 404

    foreign.run.refresh_from_db()
    assert foreign.run.state == ImportState.CHECKED


def test_a_colleagues_import_is_seen_but_not_stored(
    client: Client, admin: User, own: World
) -> None:
    page = _page(client, own.run)
    said = _say(client, own.run, "store")

    assert "Whoever uploaded it may import it." in page
    assert "There is nothing to import any more." in said
    assert own.run.name in client.get(listing(Import)).content.decode()


def test_the_command_imports_and_names_the_faults(
    admin: User, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "contacts.csv"
    file.write_text(TABLE)

    call_command("import_contacts", file, admin.email, dry_run=True)
    call_command("import_contacts", file, admin.email)

    said = capsys.readouterr()
    assert said.out.splitlines() == [
        "would be imported: 2 of 3",
        "created: 2, changed: 0, left out: 1",
    ]
    assert "row 4: The id must be a whole number from 1." in said.err
    assert "finished: 3 of 3" in said.err
    assert _names() == {"Anna", "Olga"}
    assert Import.objects.get().name == "contacts.csv"


def test_the_command_has_its_users_rights(
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
    assert "row 2: You may not change this contact." in told
    assert "row 3: You may not add contacts." in told
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
def test_the_command_says_what_it_cannot_do(
    admin: User, tmp_path: Path, name: str, email: str
) -> None:
    (tmp_path / "contacts.csv").write_text(TABLE)
    (tmp_path / "empty.csv").write_text("id\n")
    (tmp_path / "empty.xlsx").write_bytes(importing.workbook(["id"]))

    with pytest.raises(CommandError):
        call_command("import_contacts", tmp_path / name, email or admin.email)
