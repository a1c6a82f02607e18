"""Lists take a fixed number of queries."""

import pytest
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext

from shortlinks.models import User
from tests import factories
from tests.admin import fixtures_full_account
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import World

KINDS = [
    "account",
    "group",
    "user",
    "token",
    "integration",
    "contact",
    "link",
    "visit",
    "note",
    "pixel",
    "attachment",
    "chat",
    "suggestion",
    "merge",
    "apart",
    "webhook",
    "delivery",
    "site",
    "domain",
]


@pytest.mark.parametrize("kind", KINDS)
def test_list_takes_a_fixed_number_of_queries(
    sign_in: SignIn, operator: User, own: World, kind: str
) -> None:
    row: Model = getattr(own, kind)
    client = sign_in(operator)
    path = fixtures_full_account.listing(type(row))
    client.get(path)  # fill process-wide caches

    with CaptureQueriesContext(connection) as few:
        client.get(path)
    for number in range(4):
        fixtures_full_account.fill(
            factories.account(), f"More{number}", responsible=None
        )
    with CaptureQueriesContext(connection) as many:
        client.get(path)

    assert len(many) == len(few)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("note/", "Entries appear when"),
        ("note/?q=x", "Reset filters"),
        ("shortdomain/", "Add the first one"),
        ("shortdomain/?q=x", "Reset filters"),
    ],
)
def test_empty_list_shows_what_to_do(
    sign_in: SignIn, admin: User, path: str, said: str
) -> None:
    page = sign_in(admin).get(f"/admin/shortlinks/{path}").content.decode()

    hints = ("Entries appear when", "Add the first one", "Reset filters")
    found = [hint for hint in hints if hint in page]
    assert found == [said]


def test_unfiltered_list_shows_no_count(
    sign_in: SignIn, admin: User, own: World
) -> None:
    client = sign_in(admin)

    listed = client.get("/admin/shortlinks/group/").content.decode()
    found = client.get("/admin/shortlinks/group/?q=Own").content.decode()

    assert ("Show all" in listed, "Show all" in found) == (False, True)
