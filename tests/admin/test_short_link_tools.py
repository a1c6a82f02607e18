"""Pages that create links for contacts and look links up."""

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from shortlinks.models import Contact, FormSubmission, ShortLink, User
from tests import factories
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import World, listing

URL = "https://shop.example/spring"
SHOWN = re.compile(r'class="ours-copy">([^<]+)<')


@pytest.fixture
def client(admin: User, sign_in: SignIn) -> Client:
    return sign_in(admin)


def _order(*contacts: Contact, **fields: str) -> dict[str, Any]:
    return {
        "action": "create_links",
        "_selected_action": [contact.pk for contact in contacts],
        "form_token": str(uuid.uuid4()),
        "url": URL,
        **fields,
    }


def test_create_links_asks_for_the_url(client: Client, own: World) -> None:
    posted = {"action": "create_links", "_selected_action": [own.contact.pk]}

    page = client.post(listing(Contact), posted).content.decode()

    assert str(own.contact) in page
    assert 'name="url"' in page
    assert ShortLink.objects.filter(url=URL).count() == 0


def test_created_links_are_shown_to_a_double_click_only(
    client: Client, own: World
) -> None:
    other = factories.contact(own.account)
    order = _order(own.contact, other)

    first = client.post(listing(Contact), order)
    second = client.post(listing(Contact), order)
    hour_ago = timezone.now() - timedelta(hours=1)
    FormSubmission.objects.update(created_at=hour_ago)
    again = client.post(listing(Contact), order, follow=True)

    links = ShortLink.objects.filter(url=URL)
    shown = SHOWN.findall(first.content.decode())
    assert sorted(shown) == sorted(f"http://127.0.0.1:8001/{k.code}" for k in links)
    assert {link.contact for link in links} == {own.contact, other}
    assert second.content == first.content
    for response in (first, second):
        assert "no-store" in response.headers["Cache-Control"]
    text = again.content.decode()
    assert "already been sent" in text
    assert [link.code for link in links if link.code in text] == []


def test_created_links_are_logged_without_the_links(
    client: Client, admin: User, own: World
) -> None:
    client.post(listing(Contact), _order(own.contact))

    entry = LogEntry.objects.get(object_id=own.contact.pk)
    said = f"Short link to {URL} created and shown."
    assert (entry.user, entry.change_message) == (admin, said)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "ftp://x.example", "http://127.0.0.1:8001/x", ""]
)
def test_create_links_rejects_a_forbidden_url(
    client: Client, own: World, url: str
) -> None:
    page: Any = client.post(listing(Contact), _order(own.contact, url=url))

    assert page.context["form"].errors
    assert not ShortLink.objects.filter(url=url).exists()


def test_contacts_of_other_accounts_get_no_links(
    client: Client, own: World, foreign: World
) -> None:
    client.post(listing(Contact), _order(own.contact, foreign.contact))

    contacts = [link.contact for link in ShortLink.objects.filter(url=URL)]
    assert contacts == [own.contact]


def test_manager_cannot_create_links(
    sign_in: SignIn, manager: User, own: World
) -> None:
    client = sign_in(manager)

    page = client.get(listing(Contact)).content.decode()
    client.post(listing(Contact), _order(own.contact))

    assert "create_links" not in page
    assert not ShortLink.objects.filter(url=URL).exists()


def test_create_links_rejects_too_many_contacts(
    client: Client, own: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shortlinks.admin.short_link_tools.MAX_CONTACTS", 1)
    other = factories.contact(own.account)

    page: Any = client.post(listing(Contact), _order(own.contact, other), follow=True)

    assert "Choose at most 1 contacts." in page.content.decode()
    assert not ShortLink.objects.filter(url=URL).exists()


# --- look up a link ------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    ["{code}", "http://127.0.0.1:8001/{code}", " https://x.example/{code}?a=1 "],
)
def test_operator_looks_up_a_link(
    sign_in: SignIn, operator: User, own: World, given: str
) -> None:
    link = given.format(code=own.link.code)

    page = (
        sign_in(operator).post("/admin/link-lookup/", {"link": link}).content.decode()
    )

    assert own.link.url in page
    assert str(own.contact) in page
    assert own.link.code not in page
    assert LogEntry.objects.get(object_id=own.link.pk).user == operator


@pytest.mark.parametrize("given", ["Z" * 12, "own.example", "0OIl"])
def test_link_lookup_reports_unknown_links(
    sign_in: SignIn, operator: User, own: World, given: str
) -> None:
    page = (
        sign_in(operator).post("/admin/link-lookup/", {"link": given}).content.decode()
    )

    assert "Link not found." in page


@pytest.mark.parametrize("role", ["manager", "admin"])
def test_link_lookup_is_for_operators_only(
    sign_in: SignIn, request: pytest.FixtureRequest, own: World, role: str
) -> None:
    client = sign_in(request.getfixturevalue(role))

    response = client.post("/admin/link-lookup/", {"link": own.link.code})

    assert response.status_code == 403
    assert own.contact.name not in response.content.decode()
