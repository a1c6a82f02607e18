"""Text that Postgres cannot store, and odd ids, on all pages of the admin: never 500.

The pages and fields are those of the registered models, so new ones are included.
"""

from typing import Any
from urllib.parse import quote

import pytest
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import SEARCH_VAR
from django.db.models import Model
from django.test import Client

from shortlinks.models import User
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import World, address, listing

HOSTILE = ["a\0b", "٣", str(2**63), "abc"]
PARAMETERS = (SEARCH_VAR, "o", "p", "older", "newer", "_changelist_filters", "period")
MODELS = [m for m in admin.site._registry if m._meta.app_label == "shortlinks"]
PAGES = (
    "/admin/",
    "/admin/opened-today/",
    "/admin/onboarding/",
    "/admin/link-lookup/",
    "/admin/statistics/urls.csv",
)


@pytest.fixture
def client(operator: User, own: World, sign_in: SignIn) -> Client:
    """Return a client that gets a 500 as a response, as a browser does."""
    client = sign_in(operator)
    client.raise_request_exception = False
    return client


def failures(client: Client, *paths: str) -> list[str]:
    return [path for path in paths if client.get(path).status_code >= 500]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_list_survives_hostile_text(
    client: Client, model: type[Model], text: str
) -> None:
    filters = [
        f"{getattr(item, 'parameter_name', item)}{how}"
        for item in admin.site._registry[model].list_filter
        for how in ("", "__exact", "__id__exact")
    ]
    names = [*PARAMETERS, *filters]

    paths = [f"{listing(model)}?{name}={quote(text)}" for name in names]

    assert failures(client, *paths) == []


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    "text", [*HOSTILE, "", "1.5", " 1", "1_0", "[]", "1\0"], ids=ascii
)
def test_action_rejects_an_id_that_no_row_has(
    client: Client, model: type[Model], text: str
) -> None:
    actions = [*(admin.site._registry[model].actions or ()), "delete_selected"]

    for action in actions:
        posted = {"action": action, ACTION_CHECKBOX_NAME: [text], "index": "0"}
        response = client.post(listing(model), posted)

        assert response.status_code == 400, action


@pytest.mark.parametrize("model", MODELS)
def test_row_is_missing_for_a_hostile_id(client: Client, model: type[Model]) -> None:
    paths = [
        f"{listing(model)}{quote(text, safe='')}/{page}/"
        for text in HOSTILE
        for page in ("change", "history", "delete")
    ]

    assert failures(client, *paths) == []


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_autocomplete_survives_hostile_text(client: Client, text: str) -> None:
    asked = {
        "term": "a",
        "page": "1",
        "app_label": "shortlinks",
        "model_name": "contact",
        "field_name": "responsible_user",
    }

    paths = [
        "/admin/autocomplete/?" + "&".join(f"{k}={quote(v)}" for k, v in each.items())
        for each in ({**asked, name: text} for name in asked)
    ]

    assert failures(client, *paths) == []


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_page_survives_hostile_text(client: Client, text: str) -> None:
    names = ("period", "days", "code", "url", "q", "next", "account")
    paths = [f"{page}?{name}={quote(text)}" for page in PAGES for name in names]

    assert failures(client, *paths, f"/admin/statistics/{quote(text, safe='')}") == []


def status_of_form(client: Client, path: str, text: str) -> int:
    """Post the form of a page with hostile text in all fields."""
    page: Any = client.get(path)
    if "adminform" not in (page.context or {}):
        return int(page.status_code)
    form = page.context["adminform"].form
    return client.post(path, {field.html_name: text for field in form}).status_code


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_form_survives_hostile_text(
    own: World, sign_in: SignIn, model: type[Model], text: str
) -> None:
    client = sign_in(own.user)
    client.raise_request_exception = False
    row = model._default_manager.first()
    paths = [listing(model, "add"), *([address(row, "change")] if row else [])]

    statuses = [status_of_form(client, path, text) for path in paths]

    assert [status for status in statuses if status >= 500] == []
