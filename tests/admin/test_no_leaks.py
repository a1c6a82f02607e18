"""No page shows a manager short codes, or rows of contacts they may not view."""

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from shortlinks.models import User, Visit
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import World, address

PAGES = ("change", "history", "delete")
GUESSED_IDS = 12
AUTOCOMPLETE = "autocomplete/?app_label=shortlinks"
# Pages other than lists and rows, with the answers to GET and POST.
OTHERS = [
    ("opened-today/", 200, 200),
    ("statistics/days.csv?days=90", 403, 403),
    ("statistics/urls.csv", 403, 403),
    ("statistics/statistics.xlsx", 403, 403),
    ("import/", 403, 403),
    ("link-lookup/", 403, 403),
    ("search/?s=contact&extended=1", 200, 200),
    ("search/?s=shrouded&extended=1", 200, 200),
    ("jsi18n/", 200, 405),
    ("shortlinks/", 200, 200),
    (f"{AUTOCOMPLETE}&model_name=note&field_name=contact&term=Shr", 200, 405),
    (f"{AUTOCOMPLETE}&model_name=note&field_name=link&term={{code}}", 200, 405),
    ("shortlinks/contact/?q=Shrouded", 200, 200),
    ("shortlinks/contact/?older=999999", 200, 200),
    ("shortlinks/contact/?newer=0", 200, 200),
    ("shortlinks/shortlink/?q={code}", 200, 200),
    ("shortlinks/note/?older=999999&q=shrouded", 200, 200),
]


@pytest.fixture
def client(manager: User, sign_in: SignIn) -> Client:
    return sign_in(manager)


def _secrets(own: World, *others: World) -> list[str]:
    codes = [world.link.code for world in (own, *others)]
    return [*codes, "Shrouded", "shrouded.example", "Foreign", "foreign.example"]


def _guesses(*worlds: World) -> Iterator[str]:
    """Yield the pages of existing rows and of neighboring ids."""
    for model in admin.site._registry:
        known = [
            row.pk for world in worlds for row in world.rows() if type(row) is model
        ]
        ids = known if model is Visit else range(min(known), min(known) + GUESSED_IDS)
        for pk in ids:
            for page in PAGES:
                name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"
                yield reverse(name, args=[pk])


def test_guessed_row_pages_leak_nothing(
    client: Client, own: World, hidden: World, foreign: World
) -> None:
    paths = list(_guesses(own, hidden, foreign))

    pages = {path: client.get(path) for path in paths}

    found = {
        (path, word)
        for path, page in pages.items()
        for word in _secrets(own, hidden, foreign)
        if word in page.content.decode()
    }
    assert found == set()
    assert len(paths) >= 500
    assert {page.status_code for page in pages.values()} == {200, 302, 403}
    assert str(own.contact) in pages[address(own.contact, "change")].content.decode()


def test_guessed_row_pages_show_an_operator_all_names(
    sign_in: SignIn, operator: User, own: World, hidden: World, foreign: World
) -> None:
    """Prove that the test above looks for text that the pages contain."""
    client = sign_in(operator)

    pages = [client.get(path) for path in _guesses(own, hidden, foreign)]

    text = "".join(page.content.decode() for page in pages)
    assert [name for name in ("Own", "Shrouded", "Foreign") if name not in text] == []


@pytest.mark.parametrize(("path", "get_status", "post_status"), OTHERS)
def test_other_pages_leak_nothing(
    client: Client,
    own: World,
    hidden: World,
    foreign: World,
    path: str,
    get_status: int,
    post_status: int,
) -> None:
    url = "/admin/" + path.format(code=hidden.link.code)

    got = client.get(url)
    posted = client.post(url, {"link": hidden.link.code, "confirm": "1"})

    assert (got.status_code, posted.status_code) == (get_status, post_status)
    words = [word for word in _secrets(own, hidden, foreign) if word not in url]
    for page in (got, posted):
        assert [word for word in words if word in page.content.decode()] == []
