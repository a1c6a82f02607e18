"""Lists cost as many queries for many rows as for one."""

import pytest
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext

from shortlinks.models import User
from tests import factories
from tests.admin import worlds
from tests.admin.conftest import SignIn
from tests.admin.worlds import World

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
def test_queries_do_not_grow_with_the_rows(
    sign_in: SignIn, operator: User, own: World, kind: str
) -> None:
    row: Model = getattr(own, kind)
    client = sign_in(operator)
    path = worlds.listing(type(row))
    client.get(path)  # what is cached once for all

    with CaptureQueriesContext(connection) as few:
        client.get(path)
    for number in range(4):
        worlds.fill(factories.account(), f"More{number}", responsible=None)
    with CaptureQueriesContext(connection) as many:
        client.get(path)

    assert len(many) == len(few)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("note/", "It fills by itself"),
        ("note/?q=x", "Reset filters"),
        ("shortdomain/", "yours to add"),
        ("shortdomain/?q=x", "Reset filters"),
    ],
)
def test_an_empty_list_says_what_to_do(
    sign_in: SignIn, admin: User, path: str, said: str
) -> None:
    page = sign_in(admin).get(f"/admin/shortlinks/{path}").content.decode()

    hints = ("It fills by itself", "yours to add", "Reset filters")
    found = [hint for hint in hints if hint in page]
    assert found == [said]


def test_a_list_that_is_not_filtered_counts_nothing_beside_its_name(
    sign_in: SignIn, admin: User, own: World
) -> None:
    client = sign_in(admin)

    listed = client.get("/admin/shortlinks/group/").content.decode()
    found = client.get("/admin/shortlinks/group/?q=Own").content.decode()

    assert ("Show all" in listed, "Show all" in found) == (False, True)
