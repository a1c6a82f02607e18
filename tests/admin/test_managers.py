"""Managers see visible contacts with their rows, and no codes."""

from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Model
from django.test import Client

from shortlinks.models import (
    Account,
    ApiToken,
    ConnectedSite,
    Contact,
    Group,
    Integration,
    Note,
    Pixel,
    PixelAttachment,
    SecurityEvent,
    ShortDomain,
    ShortLink,
    User,
    Visit,
    Webhook,
    WebhookDelivery,
)
from tests.admin import crawling, fixtures_full_account
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import World, address, listing

PAGES = ("change", "history", "delete")
CLOSED: list[type[Model]] = [
    Account,
    ApiToken,
    ConnectedSite,
    Group,
    Integration,
    Pixel,
    PixelAttachment,
    SecurityEvent,
    ShortDomain,
    User,
    Visit,
    Webhook,
    WebhookDelivery,
]


@pytest.fixture
def client(manager: User, sign_in: SignIn) -> Client:
    return sign_in(manager)


def test_manager_signs_in_with_the_email_in_any_case(manager: User) -> None:
    manager.set_password("correct horse battery")
    manager.save()
    client = Client()

    posted = {"username": manager.email.upper(), "password": "correct horse battery"}
    page: Any = client.post("/admin/login/?next=/admin/", posted, follow=True)

    models = [m["object_name"] for a in page.context["app_list"] for m in a["models"]]
    assert models == [
        "Chat",
        "Contact",
        "MergeSuggestion",
        "Merge",
        "SeparatePair",
        "Note",
        "ShortLink",
    ]


def test_crawl_finds_visible_rows_and_no_others(
    client: Client, own: World, hidden: World, foreign: World
) -> None:
    codes = [world.link.code for world in (own, hidden, foreign)]

    pages = crawling.crawl(client, "/admin/")

    expected = [listing(model) for model in (Contact, Note, ShortLink)]
    rows: list[Model] = [own.contact, own.note, own.link]
    expected += [address(row, page) for row in rows for page in PAGES[:2]]
    assert set(expected) <= pages.keys()
    assert all(f"{own.contact}" in pages[path] for path in expected if "list" in path)
    for path, body in pages.items():
        for word in (*codes, "Shrouded", "shrouded", "Foreign", "foreign"):
            assert word not in body, f"{word} in {path}"


def test_hidden_rows_look_missing(
    client: Client, own: World, hidden: World, foreign: World
) -> None:
    rows = [*foreign.rows(), hidden.contact, hidden.link, hidden.note, own.user]
    rows += [hidden.visit, own.visit, own.token, own.pixel, own.webhook, own.delivery]
    rows += [own.site, own.domain]

    guesses = [(row, page) for row in rows for page in PAGES]
    answers = [crawling.answer(client, row, page) for row, page in guesses]

    assert len(guesses) >= 50
    assert answers == [
        crawling.answer(client, fixtures_full_account.missing(row), page)
        for row, page in guesses
    ]
    assert {status for status, _, _ in answers} == {302, 403}


@pytest.mark.parametrize("model", CLOSED, ids=lambda model: model.__name__)
def test_other_lists_are_forbidden(
    client: Client, own: World, model: type[Model]
) -> None:
    statuses = [
        client.get(listing(model, page)).status_code for page in ("changelist", "add")
    ]

    assert statuses == [403, 403]


@pytest.mark.parametrize("model", [ShortLink, Note], ids=["links", "notes"])
def test_links_and_notes_are_read_only(
    client: Client, own: World, model: type[Model]
) -> None:
    row = own.link if model is ShortLink else own.note

    statuses = [
        client.get(listing(model, "add")).status_code,
        client.post(address(row, "change"), {"url": "https://x.example"}).status_code,
        client.post(address(row, "delete"), {"post": "yes"}).status_code,
    ]

    assert statuses == [403, 403, 403]
    assert model._default_manager.filter(pk=row.pk).exists()


def test_manager_actions_do_nothing(client: Client, own: World) -> None:
    posted = {"action": "disable", "_selected_action": [own.link.pk]}

    client.post(listing(ShortLink), posted)
    client.post(listing(ApiToken), posted | {"action": "revoke"})
    client.post(listing(Visit), posted | {"action": "requeue"})

    own.link.refresh_from_db()
    own.token.refresh_from_db()
    assert own.link.disabled_at is None
    assert own.token.revoked_at is None


@pytest.mark.parametrize(
    ("model", "field"),
    [("contact", "responsible_user"), ("contact", "group"), ("apitoken", "user")],
)
def test_autocomplete_of_forbidden_models_is_forbidden(
    client: Client, own: World, model: str, field: str
) -> None:
    query = {"app_label": "shortlinks", "model_name": model, "field_name": field}

    response = client.get("/admin/autocomplete/", query)

    assert response.status_code == 403


def test_autocomplete_of_links_finds_visible_ones_by_source_url(
    client: Client, own: World, hidden: World, foreign: World
) -> None:
    query = {"app_label": "shortlinks", "model_name": "note", "field_name": "link"}

    response: Any = client.get("/admin/autocomplete/", query)

    assert response.json()["results"] == [
        {"id": str(own.link.pk), "text": "https://own.example/Own"}
    ]


@pytest.mark.parametrize("lookup", ["code__startswith", "contact__name", "target"])
def test_filters_reject_lookups_of_codes(
    client: Client, own: World, lookup: str
) -> None:
    value = {"code__startswith": own.link.code[:1], "target": own.link.target}

    response = client.get(listing(ShortLink), {lookup: value.get(lookup, "Own")})

    assert response.status_code == 400


def test_search_does_not_find_links_by_code(client: Client, own: World) -> None:
    pages: list[Any] = [
        client.get(listing(ShortLink), {"q": own.link.code}),
        client.get(listing(ShortLink), {"q": "own.example"}),
    ]

    assert [page.context["cl"].result_count for page in pages] == [0, 1]


def test_history_names_no_other_users(
    client: Client, own: World, admin: User, manager: User
) -> None:
    for user in (admin, manager):
        LogEntry.objects.log_actions(user.pk, [own.contact], CHANGE, "Renamed.")

    response: Any = client.get(address(own.contact, "history"))

    body = response.content.decode()
    assert body.count("Renamed.") == 1
    assert admin.email not in body


def test_inactive_user_is_signed_out(client: Client, manager: User, own: World) -> None:
    manager.is_active = False
    manager.save()

    response = client.get(listing(Contact))

    assert response.status_code == 302
    assert response.headers["Location"].startswith("/admin/login/")
