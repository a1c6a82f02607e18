"""Administrators see, export and erase what is stored about a person."""

import json
import time
import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from shortlinks.domain import erased_identities
from shortlinks.domain.contacts import contacts
from shortlinks.domain.contacts.contacts import ErasedIds, NewContact
from shortlinks.domain.personal_data import erasure
from shortlinks.models import (
    Account,
    Contact,
    Erasure,
    ErasureOrigin,
    SecurityEvent,
    SecurityEventKind,
    User,
)
from tests import factories
from tests.admin.conftest import SignIn, age
from tests.domain.merging import steps

LIST = reverse("admin:shortlinks_contact_changelist")


@pytest.fixture
def contact(account: Account) -> Contact:
    contact = factories.contact(account, entity_id=4711000815, name="Petra Zimmermann")
    steps.open_link("phone", contact, "https://shop.example/sale")
    return contact


def address(contact: Contact, page: str) -> str:
    return reverse(f"admin:shortlinks_contact_{page}", args=[contact.pk])


def erase(client: Client, contact: Contact) -> Any:
    return client.post(address(contact, "erase"), {"confirmed": "1"}, follow=True)


def test_page_shows_what_is_stored(browser: Client, contact: Contact) -> None:
    url = address(contact, "personal_data")
    change = browser.get(address(contact, "change")).content.decode()

    shown = browser.get(url).content.decode()

    assert f'href="{url}"' in change
    assert "Petra Zimmermann" in shown
    assert "https://shop.example/sale" in shown
    assert factories.BROWSER["User-Agent"] in shown
    assert contact.shortlink_set.get().code not in shown


def test_long_tables_are_cut(browser: Client, contact: Contact) -> None:
    for number in range(25):
        factories.link(contact, f"https://shop.example/{number}")

    shown = browser.get(address(contact, "personal_data")).content.decode()

    assert "The file has 6 more rows." in shown


def test_file_has_everything_and_is_recorded(
    browser: Client, contact: Contact, admin: User
) -> None:
    response: Any = browser.get(address(contact, "personal_data_file"))

    assert "attachment" in response.headers["Content-Disposition"]
    tables = json.loads(response.getvalue())["tables"]
    assert tables["contact"][0]["name"] == "Petra Zimmermann"
    events = SecurityEvent.objects.filter(kind=SecurityEventKind.EXPORT)
    assert [(e.user_id, e.detail) for e in events] == [(admin.pk, erasure.PERSON)]


def test_erasure_leads_to_its_receipt(
    browser: Client, contact: Contact, admin: User
) -> None:
    response = erase(browser, contact)

    [receipt] = Erasure.objects.all()
    assert (receipt.origin, receipt.requested_by) == (ErasureOrigin.ADMIN, admin)
    assert "Nothing more is recorded." in response.content.decode()
    assert response.redirect_chain[0][0].endswith(f"/erasure/{receipt.pk}/change/")
    erasure.run_due(time.monotonic() + 60)
    shown = browser.get(response.redirect_chain[0][0]).content.decode()
    assert "Notes: 1" in shown
    assert "Zimmermann" not in shown
    assert browser.get(address(contact, "personal_data")).status_code == 404
    assert "Zimmermann" not in browser.get(LIST).content.decode()


def test_lists_of_links_name_and_link_no_erased_person(
    browser: Client, contact: Contact, operator: User, sign_in: SignIn
) -> None:
    code = contact.shortlink_set.get().code
    erase(browser, contact)
    erasure.run_due(time.monotonic() + 60)

    pages = [
        browser.get(reverse("admin:shortlinks_shortlink_changelist")),
        sign_in(operator).post(reverse("admin_link_lookup"), {"link": code}),
    ]

    for page in pages:
        text = page.content.decode()
        assert "erased" in text
        assert address(contact, "change") not in text


def test_erasure_needs_a_confirmation(browser: Client, contact: Contact) -> None:
    response = browser.post(address(contact, "erase"), follow=True)

    assert "Confirm that the person is to be erased" in response.content.decode()
    assert Erasure.objects.count() == 0


def test_export_and_erasure_need_a_recent_sign_in(
    browser: Client, contact: Contact, admin: User
) -> None:
    admin.set_password("a long password")
    admin.save()
    browser.force_login(admin)
    age(browser, signed_in_at=3600)

    responses = [
        browser.get(address(contact, "personal_data_file")),
        browser.post(address(contact, "erase"), {"confirmed": "1"}),
    ]

    for response in responses:
        assert response.headers["Location"].startswith("/admin/account/again/")
    assert Erasure.objects.count() == 0


def test_erased_id_is_an_error_of_the_form(browser: Client, contact: Contact) -> None:
    erase(browser, contact)
    erasure.run_due(time.monotonic() + 60)
    form = {"name": "Petra", "entity_id": "4711000815", "form_token": uuid.uuid4()}
    posted = {**form, "account": contact.account_id}

    response = browser.post(reverse("admin:shortlinks_contact_add"), posted)

    assert response.status_code == 200
    assert "This person was erased." in response.content.decode()
    assert not Contact.objects.filter(name="Petra").exists()


def test_ids_can_be_allowed_again(
    browser: Client, contact: Contact, admin: User
) -> None:
    erase(browser, contact)
    erasure.run_due(time.monotonic() + 60)
    [receipt] = Erasure.objects.all()
    new = NewContact(4711000815, "", "", "", None)
    with pytest.raises(ErasedIds):
        contacts.create([new], user=admin)

    url = reverse("admin:shortlinks_erasure_allow_again", args=[receipt.pk])
    response = browser.post(url, follow=True)

    assert "1 ID can be used again." in response.content.decode()
    assert erased_identities.count(receipt) == 0
    assert contacts.create([new], user=admin)
    assert browser.post(url).status_code == 403


@pytest.mark.parametrize("how", ["one", "several"])
def test_deletion_shows_what_it_means(
    browser: Client, contact: Contact, how: str
) -> None:
    if how == "one":
        shown = browser.get(address(contact, "delete"))
    else:
        chosen = {"action": "delete_selected", "_selected_action": [contact.pk]}
        shown = browser.post(LIST, chosen)

    text = shown.content.decode()
    assert "nothing is recorded any more" in text
    assert "For 30 days, an administrator can restore the contact" in text
