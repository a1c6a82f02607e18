"""Short links by hand: shown to administrators, once, and written down."""

import re
import uuid
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from shortlinks.models import Contact, ShortLink, User
from tests import factories
from tests.admin.conftest import SignIn
from tests.admin.worlds import World, listing

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


def test_the_page_asks_where_the_links_lead(client: Client, own: World) -> None:
    posted = {"action": "create_links", "_selected_action": [own.contact.pk]}

    page = client.post(listing(Contact), posted).content.decode()

    assert str(own.contact) in page
    assert 'name="url"' in page
    assert ShortLink.objects.filter(url=URL).count() == 0


def test_links_are_made_and_shown_once(client: Client, own: World) -> None:
    other = factories.contact(own.account)
    order = _order(own.contact, other)

    first = client.post(listing(Contact), order)
    again = client.post(listing(Contact), order, follow=True)

    links = ShortLink.objects.filter(url=URL)
    shown = SHOWN.findall(first.content.decode())
    assert sorted(shown) == sorted(f"http://127.0.0.1:8001/{k.code}" for k in links)
    assert {link.contact for link in links} == {own.contact, other}
    assert "no-store" in first.headers["Cache-Control"]
    text = again.content.decode()
    assert "These links were shown already" in text
    assert [link.code for link in links if link.code in text] == []


def test_who_saw_them_is_written_down_without_them(
    client: Client, admin: User, own: World
) -> None:
    client.post(listing(Contact), _order(own.contact))

    entry = LogEntry.objects.get(object_id=own.contact.pk)
    said = f"Made a short link to {URL} and saw it."
    assert (entry.user, entry.change_message) == (admin, said)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "ftp://x.example", "http://127.0.0.1:8001/x", ""]
)
def test_a_url_that_is_not_allowed_makes_nothing(
    client: Client, own: World, url: str
) -> None:
    page: Any = client.post(listing(Contact), _order(own.contact, url=url))

    assert page.context["form"].errors
    assert not ShortLink.objects.filter(url=url).exists()


def test_other_accounts_contacts_get_none(
    client: Client, own: World, foreign: World
) -> None:
    client.post(listing(Contact), _order(own.contact, foreign.contact))

    contacts = [link.contact for link in ShortLink.objects.filter(url=URL)]
    assert contacts == [own.contact]


def test_managers_make_none(sign_in: SignIn, manager: User, own: World) -> None:
    client = sign_in(manager)

    page = client.get(listing(Contact)).content.decode()
    client.post(listing(Contact), _order(own.contact))

    assert "create_links" not in page
    assert not ShortLink.objects.filter(url=URL).exists()


def test_too_many_at_once_are_refused(
    client: Client, own: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shortlinks.admin.short_link_tools.MAX_CONTACTS", 1)
    other = factories.contact(own.account)

    page: Any = client.post(listing(Contact), _order(own.contact, other), follow=True)

    assert "Choose at most 1 contacts at once." in page.content.decode()
    assert not ShortLink.objects.filter(url=URL).exists()


# --- whose is it? ------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    ["{code}", "http://127.0.0.1:8001/{code}", " https://x.example/{code}?a=1 "],
)
def test_an_operator_looks_a_link_up(
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
def test_what_is_nobodys_is_said_to_be(
    sign_in: SignIn, operator: User, own: World, given: str
) -> None:
    page = (
        sign_in(operator).post("/admin/link-lookup/", {"link": given}).content.decode()
    )

    assert "There is no such link." in page


@pytest.mark.parametrize("role", ["manager", "admin"])
def test_others_look_nothing_up(
    sign_in: SignIn, request: pytest.FixtureRequest, own: World, role: str
) -> None:
    client = sign_in(request.getfixturevalue(role))

    response = client.post("/admin/link-lookup/", {"link": own.link.code})

    assert response.status_code == 403
    assert own.contact.name not in response.content.decode()
