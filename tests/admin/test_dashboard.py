"""Today's opens on the dashboard, and the timeline of a contact."""

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
from psycopg.types.range import TimestamptzRange

from shortlinks.admin import todays_opens
from shortlinks.domain.visits import processing
from shortlinks.models import Contact, Note, User
from tests import factories
from tests.admin import fixtures_full_account
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import World

FRAGMENT = "/admin/opened-today/"


@pytest.fixture
def client(manager: User, sign_in: SignIn) -> Client:
    return sign_in(manager)


def _opened(client: Client, path: str = "/admin/") -> list[str]:
    page: Any = client.get(path)
    return [opened.contact.name for opened in page.context["opened"]]


@pytest.mark.parametrize("path", ["/admin/", FRAGMENT])
def test_todays_opens_are_those_of_visible_contacts(
    client: Client, own: World, hidden: World, foreign: World, path: str
) -> None:
    page = client.get(path).content.decode()

    assert _opened(client, path) == ["Own contact"]
    assert own.link.url in page
    assert own.link.code not in page


def test_todays_opens_are_ordered_and_counted_by_url(
    client: Client, own: World, manager: User
) -> None:
    later = factories.contact(own.account, name="Later", responsible_user=manager)
    link = factories.link(later)
    note = fixtures_full_account._note(link)
    Note.objects.filter(pk=note.pk).update(opens=3)

    page: Any = client.get(FRAGMENT)

    assert [(o.contact.name, o.urls) for o in page.context["opened"]] == [
        ("Later", {link.url: 3}),
        ("Own contact", {own.link.url: 1}),
    ]


def test_todays_opens_show_the_time_of_the_visit(client: Client, own: World) -> None:
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


def test_todays_opens_of_a_merged_contact_belong_to_the_survivor(
    client: Client, own: World
) -> None:
    Note.objects.filter(pk=own.note.pk).update(contact=own.merge.loser)

    assert _opened(client) == ["Own contact"]


def test_todays_opens_use_the_time_zone_of_the_account(
    client: Client, own: World
) -> None:
    own.account.time_zone = "Asia/Vladivostok"
    own.account.save()
    local = timezone.now().astimezone(ZoneInfo("Asia/Vladivostok"))
    midnight = datetime.combine(local.date(), datetime.min.time(), local.tzinfo)
    before = midnight - timedelta(minutes=1)
    Note.objects.update(created_at=before, updated_at=before)

    assert _opened(client) == []


@pytest.mark.parametrize(
    "zone",
    ["Europe/Moscow", "Europe/Kaliningrad", "America/New_York", "Pacific/Apia"],
)
@pytest.mark.parametrize(
    ("hours_after_midnight", "opens"),
    [((-4,), None), ((-4, 0), 1), ((-4, -1, 0, 0), 2), ((0,), 1)],
)
def test_todays_opens_count_opens_after_midnight_in_yesterdays_note(
    manager: User, zone: str, hours_after_midnight: tuple[int, ...], opens: int | None
) -> None:
    with timezone.override(zone):
        midnight = todays_opens._midnight(timezone.localtime())
        times = [midnight + timedelta(hours=hours) for hours in hours_after_midnight]
        url = _opened_at(manager, times)

        found = todays_opens.opened_today(manager)

    expected = [] if opens is None else [(midnight, {url: opens})]
    assert [(opened.at, opened.urls) for opened in found] == expected


def _opened_at(manager: User, times: list[datetime]) -> str:
    """Write a note with a window of 24 hours, and its visits; return the URL."""
    assert manager.account is not None
    who = factories.contact(manager.account, responsible_user=manager)
    link = factories.link(who)
    note = fixtures_full_account._note(link)
    Note.objects.filter(pk=note.pk).update(
        created_at=times[0],
        opens=len(times),
        period=TimestamptzRange(times[0], times[0] + timedelta(days=1)),
    )
    for at in times:
        done = {"due_at": None, "processed_at": at}
        factories.visit(link, occurred_at=at, verdict="person", **done)
    return link.url


@pytest.mark.parametrize(
    ("zone", "local", "began"),
    [
        ("America/New_York", "2026-03-08T23:30", "2026-03-08T05:00"),  # 23 hours
        ("America/New_York", "2026-03-09T00:30", "2026-03-09T04:00"),
        ("America/New_York", "2026-11-01T23:30", "2026-11-01T04:00"),  # 25 hours
        ("America/New_York", "2026-11-02T00:30", "2026-11-02T05:00"),
        ("America/Havana", "2026-11-01T00:30", "2026-11-01T04:00"),  # 0:30 twice
        ("America/Havana", "2026-03-08T12:00", "2026-03-08T05:00"),  # no 0:00
        ("Europe/Kaliningrad", "2026-11-26T01:00", "2026-11-25T22:00"),
        ("Pacific/Apia", "2026-11-26T01:00", "2026-11-25T11:00"),
    ],
)
@pytest.mark.parametrize("fold", [0, 1])
def test_a_day_begins_at_its_first_moment(
    zone: str, local: str, began: str, fold: int
) -> None:
    now = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone), fold=fold)

    assert todays_opens._midnight(now) == datetime.fromisoformat(began + "+00:00")


def test_polling_returns_304_if_nothing_changed(client: Client, own: World) -> None:
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


def test_polling_requires_a_sign_in(db: None) -> None:
    response = Client().get(FRAGMENT)

    assert response.headers["Location"].startswith("/admin/login/")


def test_operator_without_account_has_no_opens_today(
    sign_in: SignIn, operator: User, own: World
) -> None:
    assert _opened(sign_in(operator)) == []


def test_todays_opens_take_one_query(own: World, manager: User) -> None:
    for _ in range(5):
        who = factories.contact(own.account, responsible_user=manager)
        fixtures_full_account._note(factories.link(who))

    with CaptureQueriesContext(connection) as queries:
        opened = todays_opens.opened_today(manager)

    assert (len(opened), len(queries)) == (6, 1)


# --- a contact's page --------------------------------------------------------


def _timeline(client: Client, contact: Contact) -> list[tuple[str, str, str]]:
    path = reverse("admin:shortlinks_contact_change", args=[contact.pk])
    page: Any = client.get(path)
    return [(e.what, e.text, e.detail) for e in page.context["timeline"]]


def test_timeline_is_newest_first(client: Client, own: World) -> None:
    own.visit.verdict = "person"
    own.visit.user_agent = factories.CHROME
    own.visit.occurred_at = timezone.now()
    own.visit.save()

    events = _timeline(client, own.contact)

    assert set(events) == {
        ("Link created", own.link.url, ""),
        ("Opened 1 time", own.link.url, "Windows, Chrome"),
        ("Chat added", "Own chat", ""),
        ("Contact merged", "Own gone → Own contact", ""),
    }


def test_timeline_has_no_code_and_a_fixed_number_of_queries(
    client: Client, own: World
) -> None:
    path = reverse("admin:shortlinks_contact_change", args=[own.contact.pk])
    client.get(path)  # the first page of a session sets the staff cookie
    with CaptureQueriesContext(connection) as few:
        client.get(path)
    for number in range(10):
        fixtures_full_account._note(
            factories.link(own.contact, f"https://shop.example/{number}")
        )

    with CaptureQueriesContext(connection) as many:
        page = client.get(path).content.decode()

    assert len(many) == len(few) <= 15
    assert "https://shop.example/9" in page
    codes = own.contact.shortlink_set.values_list("code", flat=True)
    assert [code for code in codes if code in page] == []


def test_timeline_omits_undone_merges_of_hidden_contacts(
    client: Client, own: World, admin: User
) -> None:
    Contact.objects.filter(pk=own.merge.loser_id).update(
        merged_into=None, responsible_user=admin, name="Somebody else"
    )

    texts = [text for _, text, _ in _timeline(client, own.contact)]

    assert not any("Somebody else" in text for text in texts)


@pytest.mark.parametrize(("returning", "is_shown"), [(3, True), (2, False)])
def test_timeline_warns_if_several_browsers_return_to_a_link(
    client: Client, own: World, returning: int, *, is_shown: bool
) -> None:
    """A cookie that is new each time may be one browser without cookies."""
    link = factories.link(own.contact, "https://shop.example/forwarded")
    for number in range(5):
        factories.visit(
            link,
            pixel_sha256=factories.cookie_sha256(f"browser {number}"),
            pixel_is_new=number >= returning,
        )
    processing.process_due()

    details = {
        text: detail
        for what, text, detail in _timeline(client, own.contact)
        if what.startswith("Opened")
    }
    assert ("Perhaps forwarded" in details[link.url]) == is_shown
