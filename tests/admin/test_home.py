"""The start page: whose contacts opened what today, fresh without reloading."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from shortlinks.admin import todays_opens
from shortlinks.models import Contact, Note, User
from tests import factories
from tests.admin import worlds
from tests.admin.conftest import SignIn
from tests.admin.worlds import World

FRAGMENT = "/admin/opened-today/"


@pytest.fixture
def client(manager: User, sign_in: SignIn) -> Client:
    return sign_in(manager)


def _opened(client: Client, path: str = "/admin/") -> list[str]:
    page: Any = client.get(path)
    return [opened.contact.name for opened in page.context["opened"]]


@pytest.mark.parametrize("path", ["/admin/", FRAGMENT])
def test_a_manager_sees_his_contacts_that_opened_something_today(
    client: Client, own: World, hidden: World, foreign: World, path: str
) -> None:
    page = client.get(path).content.decode()

    assert _opened(client, path) == ["Own contact"]
    assert own.link.url in page
    assert own.link.code not in page


def test_the_newest_stands_first_and_urls_are_counted(
    client: Client, own: World, manager: User
) -> None:
    later = factories.contact(own.account, name="Later", responsible_user=manager)
    link = factories.link(later)
    note = worlds._note(link)
    Note.objects.filter(pk=note.pk).update(opens=3)

    page: Any = client.get(FRAGMENT)

    assert [(o.contact.name, o.urls) for o in page.context["opened"]] == [
        ("Later", {link.url: 3}),
        ("Own contact", {own.link.url: 1}),
    ]


def test_the_time_is_that_of_the_newest_open_however_late_it_was_told(
    client: Client, own: World
) -> None:
    began = own.note.created_at
    for minutes, verdict in ((2, "person"), (1, "person"), (3, "bot"), (11, "person")):
        at = began + timedelta(minutes=minutes)
        done = {"due_at": None, "processed_at": at}
        factories.visit(own.link, occurred_at=at, verdict=verdict, **done)
    Note.objects.update(updated_at=began + timedelta(hours=5))

    page: Any = client.get(FRAGMENT)
    path = reverse("admin:shortlinks_contact_change", args=[own.contact.pk])
    told: Any = client.get(path)

    newest = began + timedelta(minutes=2)
    assert [opened.at for opened in page.context["opened"]] == [newest]
    [event] = [e for e in told.context["timeline"] if e.what.startswith("Opened")]
    assert event.at == newest


def test_what_a_merged_contact_opened_is_the_survivors(
    client: Client, own: World
) -> None:
    Note.objects.filter(pk=own.note.pk).update(contact=own.merge.loser)

    assert _opened(client) == ["Own contact"]


def test_the_day_is_the_accounts(client: Client, own: World) -> None:
    own.account.time_zone = "Asia/Vladivostok"
    own.account.save()
    local = timezone.now().astimezone(ZoneInfo("Asia/Vladivostok"))
    midnight = datetime.combine(local.date(), datetime.min.time(), local.tzinfo)
    before = midnight - timedelta(minutes=1)
    Note.objects.update(created_at=before, updated_at=before)

    assert _opened(client) == []


def test_asking_again_costs_no_page_while_nothing_is_new(
    client: Client, own: World
) -> None:
    first = client.get(FRAGMENT)
    known = {"If-None-Match": first.headers["ETag"]}

    again = client.get(FRAGMENT, headers=known)
    Note.objects.update(opens=F("opens") + 1)
    changed = client.get(FRAGMENT, headers=known)

    assert (first.status_code, again.status_code, changed.status_code) == (
        200,
        304,
        200,
    )
    assert first.headers["Cache-Control"] == "private, no-cache"


def test_nobody_asks_without_signing_in(db: None) -> None:
    response = Client().get(FRAGMENT)

    assert response.headers["Location"].startswith("/admin/login/")


def test_an_operator_of_no_account_has_an_empty_list(
    sign_in: SignIn, operator: User, own: World
) -> None:
    assert _opened(sign_in(operator)) == []


def test_the_list_is_one_query_however_many_open(own: World, manager: User) -> None:
    for _ in range(5):
        who = factories.contact(own.account, responsible_user=manager)
        worlds._note(factories.link(who))

    with CaptureQueriesContext(connection) as queries:
        opened = todays_opens.opened_today(manager)

    assert (len(opened), len(queries)) == (6, 1)


# --- a contact's page --------------------------------------------------------


def _timeline(client: Client, contact: Contact) -> list[tuple[str, str, str]]:
    path = reverse("admin:shortlinks_contact_change", args=[contact.pk])
    page: Any = client.get(path)
    return [(e.what, e.text, e.detail) for e in page.context["timeline"]]


def test_a_contacts_page_tells_its_history_newest_first(
    client: Client, own: World
) -> None:
    own.visit.verdict = "person"
    own.visit.user_agent = factories.CHROME
    own.visit.occurred_at = timezone.now()
    own.visit.save()

    events = _timeline(client, own.contact)

    assert set(events) == {
        ("Link sent", own.link.url, ""),
        ("Opened 1 time", own.link.url, "Windows, Chrome"),
        ("Chat joined", "Own chat", ""),
        ("Merged", "Own gone → Own contact", ""),
    }


def test_a_history_has_no_code_and_asks_a_fixed_number_of_times(
    client: Client, own: World
) -> None:
    path = reverse("admin:shortlinks_contact_change", args=[own.contact.pk])
    client.get(path)  # the first page of a session remembers who it is
    with CaptureQueriesContext(connection) as few:
        client.get(path)
    for number in range(10):
        worlds._note(factories.link(own.contact, f"https://shop.example/{number}"))

    with CaptureQueriesContext(connection) as many:
        page = client.get(path).content.decode()

    assert len(many) == len(few) <= 15
    assert "https://shop.example/9" in page
    codes = own.contact.shortlink_set.values_list("code", flat=True)
    assert [code for code in codes if code in page] == []


def test_who_was_separated_again_is_no_longer_named(
    client: Client, own: World, admin: User
) -> None:
    Contact.objects.filter(pk=own.merge.loser_id).update(
        merged_into=None, responsible_user=admin, name="Somebody else"
    )

    texts = [text for _, text, _ in _timeline(client, own.contact)]

    assert not any("Somebody else" in text for text in texts)
