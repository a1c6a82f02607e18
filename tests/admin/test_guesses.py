"""Whatever address a manager tries: no short code, nothing of another's contacts."""

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from shortlinks.models import User, Visit
from tests.admin.conftest import SignIn
from tests.admin.worlds import World

PAGES = ("change", "history", "delete")
GUESSED_IDS = 12
# What is no list or row: the start page's parts, downloads, tools, searches.
OTHERS = [
    "opened-today/",
    "numbers/days.csv?days=90",
    "numbers/urls.csv",
    "numbers/numbers.xlsx",
    "import/",
    "link-lookup/",
    "search/?s=contact&extended=1",
    "search/?s=shrouded&extended=1",
    "jsi18n/",
    "shortlinks/",
    "autocomplete/?app_label=shortlinks&model_name=note&field_name=contact&term=Shr",
    "autocomplete/?app_label=shortlinks&model_name=note&field_name=link&term={code}",
    "shortlinks/contact/?q=Shrouded",
    "shortlinks/contact/?older=999999",
    "shortlinks/contact/?newer=0",
    "shortlinks/shortlink/?q={code}",
    "shortlinks/note/?older=999999&q=shrouded",
]


@pytest.fixture
def client(manager: User, sign_in: SignIn) -> Client:
    return sign_in(manager)


def _telling(own: World, *others: World) -> list[str]:
    codes = [world.link.code for world in (own, *others)]
    return [*codes, "Shrouded", "shrouded.example", "Foreign", "foreign.example"]


def _guesses(*worlds: World) -> Iterator[str]:
    """The rows that are there, and ids beside them."""
    for model in admin.site._registry:
        known = [
            row.pk for world in worlds for row in world.rows() if type(row) is model
        ]
        ids = known if model is Visit else range(min(known), min(known) + GUESSED_IDS)
        for pk in ids:
            for page in PAGES:
                name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"
                yield reverse(name, args=[pk])


def test_five_hundred_guessed_addresses_tell_nothing(
    client: Client, own: World, hidden: World, foreign: World
) -> None:
    words = _telling(own, hidden, foreign)

    guesses = list(_guesses(own, hidden, foreign))
    pages = {path: client.get(path).content.decode() for path in guesses}

    assert len(guesses) >= 500
    told = {path for path, page in pages.items() for word in words if word in page}
    assert told == set()


@pytest.mark.parametrize("path", OTHERS)
def test_no_other_address_tells_anything(
    client: Client, own: World, hidden: World, foreign: World, path: str
) -> None:
    address = "/admin/" + path.format(code=hidden.link.code)

    asked = client.get(address)
    posted = client.post(address, {"link": hidden.link.code, "confirm": "1"})

    typed = [word for word in _telling(own, hidden, foreign) if word not in address]
    for page in (asked, posted):
        assert [word for word in typed if word in page.content.decode()] == []
