"""The commands that export and erase a person, and repeat erasures."""

import io
import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from shortlinks.models import Account, Contact, Erasure, ErasureOrigin
from tests import factories

Run = Callable[..., str]


@pytest.fixture
def contact(account: Account) -> Contact:
    return factories.contact(account, entity_id=4711000815, name="Petra Zimmermann")


@pytest.fixture
def run() -> Run:
    def run(name: str, *arguments: object) -> str:
        out = io.StringIO()
        call_command(name, *map(str, arguments), stdout=out)
        return out.getvalue()

    return run


def test_export_prints_json(run: Run, contact: Contact) -> None:
    printed = json.loads(run("export_person", contact.account.subdomain, 4711000815))

    assert printed["tables"]["contact"][0]["name"] == "Petra Zimmermann"


def test_erasure_prints_the_receipt(run: Run, contact: Contact) -> None:
    factories.link(contact)

    printed = run("erase_person", contact.account.subdomain, 4711000815)

    [receipt] = Erasure.objects.all()
    assert printed == f"erasure {receipt.pk}: nothing was stored\n"
    assert receipt.origin == ErasureOrigin.COMMAND
    assert Contact.objects.get().name == ""


@pytest.mark.parametrize("name", ["export_person", "erase_person"])
def test_unknown_contact_is_an_error(run: Run, contact: Contact, name: str) -> None:
    with pytest.raises(CommandError, match="no contact with this id"):
        run(name, contact.account.subdomain, 5)
    with pytest.raises(CommandError, match="no contact with this id"):
        run(name, "nobody", 4711000815)


def test_list_of_erasures_can_be_repeated(
    run: Run, contact: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("erase_person", contact.account.subdomain, 4711000815)
    listed = run("list_erasures")
    Erasure.objects.all().delete()
    before = timezone.now() - timedelta(days=1)
    factories.contact(contact.account, entity_id=4711000815, created_at=before)

    monkeypatch.setattr("sys.stdin", io.StringIO(listed))
    assert run("repeat_erasures") == "persons erased again: 1\n"

    monkeypatch.setattr("sys.stdin", io.StringIO("no list"))
    with pytest.raises(CommandError, match="line 1"):
        run("repeat_erasures")
