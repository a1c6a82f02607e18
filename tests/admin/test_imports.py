"""Importing contacts in the admin and by the command."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client

from shortlinks.models import Contact, User
from tests.admin.conftest import SignIn
from tests.admin.worlds import World

PATH = "/admin/import/"
TABLE = "entity_id,name,responsible\n7,Anna,\n,Olga,\nx,Faulty,\n"


@pytest.fixture
def client(admin: User, sign_in: SignIn) -> Client:
    return sign_in(admin)


def _upload(client: Client, text: str = TABLE) -> Any:
    file = SimpleUploadedFile("contacts.csv", text.encode(), "text/csv")
    return client.post(PATH, {"file": file})


def _names() -> set[str]:
    return set(Contact.objects.values_list("name", flat=True))


def test_a_file_is_looked_at_before_it_is_stored(client: Client) -> None:
    page = _upload(client)

    context = page.context
    assert (context["created"], context["changed"], context["faulty"]) == (2, 0, 1)
    assert "The id must be a whole number from 1." in page.content.decode()
    assert _names() == set()


def test_the_second_word_stores_it(client: Client, admin: User) -> None:
    _upload(client)

    page = client.post(PATH, {"confirm": "1"}, follow=True)

    said = "Contacts created: 2, changed: 0, left out: 1."
    assert said in page.content.decode()
    assert _names() == {"Anna", "Olga"}


def test_the_second_word_is_heard_once(client: Client) -> None:
    _upload(client)
    client.post(PATH, {"confirm": "1"})
    Contact.objects.all().delete()

    page = client.post(PATH, {"confirm": "1"}, follow=True)

    assert "There is nothing to import any more." in page.content.decode()
    assert _names() == set()


@pytest.mark.parametrize(
    ("text", "said"),
    [("phone\n1\n", "must name the columns"), ("", "empty")],
    ids=["no head", "empty"],
)
def test_what_is_no_table_is_said(client: Client, text: str, said: str) -> None:
    assert said in _upload(client, text).content.decode()


def test_managers_import_nothing(sign_in: SignIn, manager: User, own: World) -> None:
    client = sign_in(manager)

    assert client.get(PATH).status_code == 403
    assert _upload(client).status_code == 403
    assert PATH not in client.get("/admin/").content.decode()


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
    assert _names() == {"Anna", "Olga"}


@pytest.mark.parametrize(
    ("name", "email"), [("none.csv", ""), ("contacts.csv", "nobody@shop.example")]
)
def test_the_command_says_what_it_cannot_do(
    admin: User, tmp_path: Path, name: str, email: str
) -> None:
    (tmp_path / "contacts.csv").write_text(TABLE)

    with pytest.raises(CommandError):
        call_command("import_contacts", tmp_path / name, email or admin.email)
