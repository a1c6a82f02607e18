"""Statistics of a period on the dashboard and in its files."""

import csv
import json
import re
import time
from datetime import date, timedelta
from io import BytesIO, StringIO
from typing import Any
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from shortlinks.domain.reports import rollups, statistics
from shortlinks.domain.reports.statistics import OpenedUrl, ReportPeriod
from shortlinks.models import Account, DailyVisits, DailyVisitsDelta, ShortLink, User
from tests import factories
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import World

FILES = ("days.csv", "urls.csv", "statistics.xlsx")
TEXT = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}t"


@pytest.fixture
def client(admin: User, sign_in: SignIn) -> Client:
    return sign_in(admin)


def _count(link: ShortLink, verdict: str, visits: int, ago: int = 0) -> None:
    DailyVisits.objects.create(link=link, day=_day(ago), verdict=verdict, visits=visits)


def _day(ago: int = 0) -> date:
    return timezone.localdate() - timedelta(days=ago)


def _rows(client: Client, name: str, query: str = "") -> list[list[str]]:
    response = client.get(f"/admin/statistics/{name}{query}")
    return list(csv.reader(StringIO(response.content.decode("utf-8-sig"))))


@pytest.fixture
def counted(own: World, foreign: World) -> World:
    # Days follow the account's time zone: in Moscow they start three hours earlier.
    Account.objects.update(time_zone="UTC")
    second = factories.link(factories.contact(own.account), own.link.url)
    other = factories.link(own.contact, "https://own.example/other")
    _count(own.link, "person", 3)
    _count(own.link, "bot", 4)
    _count(own.link, "staff", 9)
    _count(second, "person", 2, ago=1)
    _count(other, "person", 1, ago=6)
    _count(other, "preview", 7, ago=7)
    _count(foreign.link, "person", 100)
    rollups.update(time.monotonic() + 60)
    return own


def test_statistics_are_grouped_by_day(client: Client, counted: World) -> None:
    page: Any = client.get("/admin/")

    days = [
        (each.day, each.person_opens, each.bot_visits) for each in page.context["days"]
    ]
    assert days == [
        (_day(6), 1, 0),
        *((_day(ago), 0, 0) for ago in (5, 4, 3, 2)),
        (_day(1), 2, 0),
        (_day(0), 3, 4),
    ]
    chart = json.loads(page.context["chart"].data)
    assert [bars["data"] for bars in chart["datasets"]] == [
        [1, 0, 0, 0, 0, 2, 3],
        [0, 0, 0, 0, 0, 0, 4],
    ]


def test_top_urls_have_their_contacts(client: Client, counted: World) -> None:
    page: Any = client.get("/admin/")

    assert page.context["urls"] == [
        OpenedUrl(counted.link.url, opens=5, contacts=2),
        OpenedUrl("https://own.example/other", opens=1, contacts=1),
    ]
    assert counted.link.code not in page.content.decode()


@pytest.mark.parametrize(
    ("asked", "days"), [("", 7), ("?days=30", 30), ("?days=x", 7), ("?days=9999", 7)]
)
def test_period_is_one_of_three(client: Client, asked: str, days: int) -> None:
    page: Any = client.get(f"/admin/{asked}")

    assert len(page.context["days"]) == days


def test_operator_sees_statistics_of_all_accounts(
    sign_in: SignIn, operator: User, counted: World
) -> None:
    page: Any = sign_in(operator).get("/admin/")

    assert page.context["urls"][0].opens == 100


def test_tiles_show_queue_and_failures(
    client: Client, own: World, foreign: World
) -> None:
    for link in (own.link, foreign.link):
        factories.visit(link, due_at=None, dead_lettered_at=timezone.now())

    page: Any = client.get("/admin/")

    tiles = {tile.label: tile.value for tile in page.context["tiles"]}
    assert tiles["Failed visits"] == "1"
    assert tiles["Opens in queue"] == "2"
    assert tiles["Undelivered webhooks, 7 days"] == "0"
    assert tiles["Failing webhooks"] == "0"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(40, []), (70, ["are 1 minute behind"]), (610, ["are 10 minutes behind"])],
)
def test_page_shows_that_rollups_are_late(
    client: Client, own: World, seconds: int, said: list[str]
) -> None:
    _count(own.link, "person", 1)
    oldest = timezone.now() - timedelta(seconds=seconds)
    DailyVisitsDelta.objects.update(created_at=oldest)

    page = client.get("/admin/").content.decode()

    assert re.findall(r"are \d+ minutes? behind", page) == said


def test_csv_files_match_the_page(client: Client, counted: World) -> None:
    days = _rows(client, "days.csv", "?days=7")
    urls = _rows(client, "urls.csv")

    assert (len(days), days[0][:2], days[-1][:2]) == (
        8,
        ["Day", "Person"],
        [f"{_day()}", "3"],
    )
    assert urls == [
        ["URL", "Opens", "Contacts"],
        [counted.link.url, "5", "2"],
        ["https://own.example/other", "1", "1"],
    ]


def test_workbook_has_both_tables(client: Client, counted: World) -> None:
    response = client.get("/admin/statistics/statistics.xlsx")

    with ZipFile(BytesIO(response.content)) as book:
        texts = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))  # noqa: S314
        sheets = [name for name in book.namelist() if name.startswith("xl/worksheets/")]
    assert len(sheets) == 2
    assert counted.link.url in [text.text for text in texts.iter(TEXT)]


@pytest.mark.parametrize("name", FILES)
def test_manager_gets_no_statistics(
    sign_in: SignIn, manager: User, counted: World, name: str
) -> None:
    client = sign_in(manager)

    page: Any = client.get("/admin/")

    assert "chart" not in page.context
    assert client.get(f"/admin/statistics/{name}").status_code == 403


def test_unknown_file_is_not_found(client: Client) -> None:
    assert client.get("/admin/statistics/codes.csv").status_code == 404


def test_dashboard_takes_a_fixed_number_of_queries(
    client: Client, counted: World
) -> None:
    client.get("/admin/")
    for number in range(20):
        _count(factories.link(counted.contact, f"https://x.example/{number}"), "bot", 1)

    with CaptureQueriesContext(connection) as queries:
        client.get("/admin/")

    assert len(queries) <= 14


def test_days_without_visits_are_listed(db: None) -> None:
    days = statistics.by_day(ReportPeriod(None, date(2026, 2, 27), date(2026, 3, 1)))

    assert [(each.day.day, each.person_opens, each.bot_visits) for each in days] == [
        (27, 0, 0),
        (28, 0, 0),
        (1, 0, 0),
    ]


def test_failing_webhooks_of_the_account_are_counted_and_lead_to_their_list(
    admin: User, sign_in: SignIn, account: Account
) -> None:
    factories.disable(factories.webhook(account, "https://one.example/")[0])
    factories.webhook(account, "https://two.example/")
    foreign = factories.webhook(factories.account(), "https://three.example/")[0]
    factories.disable(foreign)
    client = sign_in(admin)

    page: Any = client.get("/admin/")

    [tile] = [t for t in page.context["tiles"] if t.label == "Failing webhooks"]
    assert (tile.value, tile.is_good) == ("1", False)
    listed: Any = client.get(tile.address)
    rows = listed.context["cl"].result_list
    assert [row.destination for row in rows] == ["https://one.example/"]
