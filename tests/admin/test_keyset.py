"""Keyset pagination of long lists."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client

from shortlinks.models import Account, Contact, User
from tests import factories
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import World, listing

MOST = 3


@pytest.fixture
def client(
    account: Account,
    admin: User,
    sign_in: SignIn,
    monkeypatch: pytest.MonkeyPatch,
) -> Client:
    monkeypatch.setattr(_contacts(), "list_per_page", MOST)
    for number in range(8):
        factories.contact(account, name=f"Number {number}")
    return sign_in(admin)


def _contacts() -> Any:
    return admin.site.get_model_admin(Contact)


def _names(client: Client, query: str) -> list[str]:
    page: Any = client.get(listing(Contact) + query)
    return [row.name.removeprefix("Number ") for row in page.context["cl"].result_list]


def _list(client: Client, query: str) -> Any:
    page: Any = client.get(listing(Contact) + query)
    return page.context["cl"]


def test_keyset_pages_lead_forward_and_back(client: Client) -> None:
    first = _list(client, "")
    second = _list(client, first.older)
    third = _list(client, second.older)

    shown = [
        [row.name[-1] for row in page.result_list] for page in (first, second, third)
    ]
    assert shown == [["7", "6", "5"], ["4", "3", "2"], ["1", "0"]]
    assert (first.newer, third.older) == ("", "")
    assert _names(client, third.newer) == ["4", "3", "2"]
    assert _names(client, second.newer) == ["7", "6", "5"]
    assert _list(client, second.newer).newer == ""


def test_keyset_page_stays_when_rows_are_added(
    client: Client, account: Account
) -> None:
    older = _list(client, "").older
    factories.contact(account, name="Number 9")

    assert _names(client, older) == ["4", "3", "2"]


@pytest.mark.parametrize("query", ["?older=x", "?newer=", "?o=1", "?older=" + "9" * 30])
def test_keyset_list_starts_at_the_top_for_an_invalid_position(
    client: Client, query: str
) -> None:
    assert _names(client, query) == ["7", "6", "5"]


def test_keyset_list_starts_at_the_top_for_a_new_filter(client: Client) -> None:
    older = _list(client, "").older

    filters = _list(client, f"{older}&is_deleted__exact=0")

    assert "older" not in filters.get_query_string({"is_deleted__exact": "1"})


def test_keyset_search_is_paginated(client: Client) -> None:
    found = _list(client, "?q=Number")

    assert _names(client, found.older) == ["4", "3", "2"]
    assert "q=Number" in found.older


def test_short_list_keeps_its_order(
    client: Client, own: World, account: Account
) -> None:
    page: Any = client.get(listing(User))

    emails = [row.email for row in page.context["cl"].result_list]
    assert emails == sorted(emails)
