"""Pages with many rows: few queries, indexes, and scan limits."""

import re
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from shortlinks.admin import base, keyset
from shortlinks.models import (
    Account,
    Contact,
    DeliveryState,
    Note,
    NoteType,
    ShortLink,
    User,
    Visit,
    WebhookDelivery,
)
from tests import factories
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import World, address, listing

MAX_QUERIES = 16
FAILED = DeliveryState.FAILED
READ_BY_ALL = ("", "opened-today/", "shortlinks/contact/?q=Own+contact")
OF_ADMINISTRATORS = (
    "?days=90",
    "statistics/days.csv?days=90",
    "statistics/urls.csv?days=90",
    "statistics/statistics.xlsx?days=90",
    "shortlinks/visit/?verdict__exact=person",
)
MANY_CONTACTS = """
INSERT INTO shortlinks_contact (account_id, entity_id, name, first_name, last_name,
                                is_deleted, created_at, updated_at)
SELECT %s, n, 'Client ' || n::bigint ^ 3, '', '', false, now(), now()
FROM generate_series(1, 10000) AS n
"""


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate many contacts and rows by low limits."""
    monkeypatch.setattr(base, "MAX_CONTACTS", 0)
    monkeypatch.setattr(keyset, "MAX_ROWS_SCANNED", 3)


@pytest.fixture
def links(account: Account) -> list[ShortLink]:
    """Return ten links, the oldest with another URL."""
    contact = factories.contact(account)
    urls = ["old", *(f"new/{number}" for number in range(9))]
    return [factories.link(contact, f"https://shop.example/{url}") for url in urls]


def _list(client: Client, model: Any, query: str) -> Any:
    page: Any = client.get(listing(model) + query)
    return page.context["cl"]


def _plan(rows: "QuerySet[Any] | str", without: str = "sort") -> str:
    """Return the query plan with indexes preferred, although there are few rows."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"SET LOCAL enable_{without} = off")
        if isinstance(rows, str):
            cursor.execute(f"EXPLAIN {rows}")
            return "\n".join(line for (line,) in cursor)
        return rows.explain()


def _slowest(client: Client, path: str) -> str:
    with CaptureQueriesContext(connection) as queries:
        client.get(path)
    return next(q["sql"] for q in queries if "LIMIT 51" in q["sql"])


def _of(world: World) -> list[str]:
    """Yield the list of each row's model, and the pages of the row."""
    lists = [listing(type(row)) for row in world.rows()]
    pages = ("change", "history", "delete")
    return [*lists, *(address(row, page) for row in world.rows() for page in pages)]


# --- number of queries --------------------------------------------------------


@pytest.mark.parametrize("who", ["admin", "manager"])
def test_page_takes_few_queries(
    sign_in: SignIn, own: World, who: str, request: pytest.FixtureRequest
) -> None:
    user: User = request.getfixturevalue(who)
    client = sign_in(user)
    client.get("/admin/")  # fill process-wide caches
    more = () if who == "manager" else OF_ADMINISTRATORS
    asked: dict[str, int] = {}

    for path in [*(f"/admin/{path}" for path in (*READ_BY_ALL, *more)), *_of(own)]:
        with CaptureQueriesContext(connection) as queries:
            response = client.get(path)
        if response.status_code == 200:
            asked[path] = len(queries)
        else:
            client.get("/admin/")  # show the message, which is in the session

    assert {f"/admin/{path}" for path in (*READ_BY_ALL, *more)} < asked.keys()
    assert {path: n for path, n in asked.items() if n > MAX_QUERIES} == {}


def test_rows_without_account_can_be_filtered(sign_in: SignIn, operator: User) -> None:
    page = _list(sign_in(operator), User, "?account__isnull=True")

    assert list(page.result_list) == [operator]


# --- scan limits --------------------------------------------------------------


def test_limited_scan_is_shown_and_continues_on_the_next_page(
    wide: None, sign_in: SignIn, admin: User, links: list[ShortLink]
) -> None:
    client = sign_in(admin)
    query, found, pages = "?q=old", [], 0
    while query:
        page = _list(client, ShortLink, query)
        found += list(page.result_list)
        pages += 1
        assert bool(page.rows_scanned) == bool(page.older)
        query = page.older

    assert found == [links[0]]
    assert pages == 4  # three rows a page; the last has one


def test_limited_scan_continues_towards_newer_rows(
    wide: None, sign_in: SignIn, admin: User, links: list[ShortLink]
) -> None:
    client = sign_in(admin)

    first = _list(client, ShortLink, f"?q=new/8&newer={links[1].pk}")
    second = _list(client, ShortLink, first.newer)
    third = _list(client, ShortLink, second.newer)

    assert (list(first.result_list), first.rows_scanned) == ([], 3)
    assert list(second.result_list) == []
    assert list(third.result_list) == [links[9]]
    assert third.newer == ""


def test_limited_scan_is_explained_on_the_page(
    wide: None, sign_in: SignIn, admin: User, links: list[ShortLink]
) -> None:
    page = sign_in(admin).get(f"{listing(ShortLink)}?q=old")

    assert "3 rows were searched" in page.content.decode()


def test_user_with_few_contacts_gets_complete_results(
    sign_in: SignIn,
    admin: User,
    links: list[ShortLink],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keyset, "MAX_ROWS_SCANNED", 3)

    page = _list(sign_in(admin), ShortLink, "?q=old")

    assert (list(page.result_list), page.rows_scanned) == ([links[0]], 0)


def test_rare_rows_are_found_at_any_position(
    wide: None, sign_in: SignIn, admin: User, links: list[ShortLink]
) -> None:
    ShortLink.objects.filter(pk=links[0].pk).update(disabled_at=timezone.now())

    page = _list(sign_in(admin), ShortLink, "?disabled=yes")

    assert (list(page.result_list), page.rows_scanned) == ([links[0]], 0)


def test_contacts_are_found_at_any_position(
    wide: None, sign_in: SignIn, admin: User, account: Account
) -> None:
    old = factories.contact(account, name="Anna Maria Petrova")
    for number in range(9):
        factories.contact(account, name=f"Anna {number}")
    client = sign_in(admin)

    by_words = _list(client, Contact, "?q=petrov+anna")
    by_id = _list(client, Contact, f"?q={old.entity_id}")

    assert list(by_words.result_list) == [old]
    assert old in by_id.result_list
    assert _list(client, Contact, f"?q={'9' * 5000}").result_list == []


# --- query plans --------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "query", "index", "without"),
    [
        (Contact, "?is_deleted__exact=1", "contact_deleted", "sort"),
        (ShortLink, "?disabled=yes", "short_link_disabled", "sort"),
        (
            Note,
            f"?note_type__exact={NoteType.COMMON}",
            "note_not_link_followed",
            "sort",
        ),
        (WebhookDelivery, f"?state__exact={FAILED}", "delivery_failed", "sort"),
        (Visit, "?dead_lettered=yes", "dead_lettered_at_idx", "indexscan"),
        (ShortLink, "", "shortlinks_shortlink_pkey", "sort"),
        (Visit, "", "pkey", "sort"),
    ],
)
def test_list_uses_an_index(
    sign_in: SignIn,
    admin: User,
    own: World,
    model: Any,
    query: str,
    index: str,
    without: str,
) -> None:
    rows = _slowest(sign_in(admin), listing(model) + query)

    plan = _plan(rows, without)

    assert index in plan
    assert "Seq Scan" not in plan


def test_contact_search_uses_the_trigram_index(
    sign_in: SignIn, admin: User, account: Account
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(MANY_CONTACTS, [account.pk])
        cursor.execute("RESET ROLE")  # the owner maintains its tables
        cursor.execute("SELECT gin_clean_pending_list('contact_name_search')")
        cursor.execute("ANALYZE shortlinks_contact")

    rows = _slowest(sign_in(admin), f"{listing(Contact)}?q=8000000")
    plan = _plan(rows, without="indexscan")

    assert "contact_name_search" in plan
    assert "contact_entity_id" in plan


def test_statistics_read_rollups_only(sign_in: SignIn, admin: User, own: World) -> None:
    client = sign_in(admin)

    with CaptureQueriesContext(connection) as queries:
        client.get("/admin/?days=90")
        client.get("/admin/statistics/statistics.xlsx?days=90")

    read = [query["sql"] for query in queries]
    assert not [sql for sql in read if re.search(r"shortlinks_dailyvisits\b", sql)]
    sums = [sql for sql in read if 'FROM "shortlinks_urldailyopens"' in sql]
    assert len(sums) == 2
    assert "shortlinks_urldailyopens_pkey" in _plan(sums[0])


def test_rows_of_a_group_are_read_without_all_contacts(account: Account) -> None:
    group = factories.group(account)
    user = factories.user(account, group=group, contacts_view="G", contacts_edit="G")

    plan = _plan(Contact.objects.visible_including_merged(user))

    assert "Join" not in plan
