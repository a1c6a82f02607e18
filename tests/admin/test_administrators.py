"""Administrators see and change all rows of their account and no others."""

from typing import Any

import pytest
from django.db.models import Model
from django.test import Client

from shortlinks.models import (
    Account,
    ApiToken,
    ConnectedSite,
    Contact,
    Group,
    Import,
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
from tests import factories
from tests.admin import crawling, fixtures_full_account
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import World, address, listing

MODELS: list[type[Model]] = [
    Account,
    ApiToken,
    ConnectedSite,
    Contact,
    Group,
    Import,
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
]
PAGES = ("change", "history", "delete")


@pytest.fixture
def client(admin: User, sign_in: SignIn) -> Client:
    return sign_in(admin)


def test_crawl_finds_all_rows_of_the_account_and_no_others(
    client: Client, own: World, foreign: World
) -> None:
    pages = crawling.crawl(client, "/admin/")

    assert {listing(model) for model in MODELS} <= pages.keys()
    assert {address(row, "change") for row in own.rows()} <= pages.keys()
    for path, body in pages.items():
        for word in (own.link.code, foreign.link.code, "Foreign", "foreign"):
            assert word not in body, f"{word} in {path}"


def test_rows_of_other_accounts_look_missing(
    client: Client, own: World, foreign: World
) -> None:
    guesses = [(row, page) for row in foreign.rows() for page in PAGES]

    answers = [crawling.answer(client, row, page) for row, page in guesses]

    assert answers == [
        crawling.answer(client, fixtures_full_account.missing(row), page)
        for row, page in guesses
    ]


def test_posts_do_not_change_rows_of_other_accounts(
    client: Client, foreign: World
) -> None:
    before = [_stored(row) for row in foreign.rows()]

    for row in foreign.rows():
        client.post(address(row, "change"), {"name": "Mine", "email": "m@mine.example"})
        client.post(address(row, "delete"), {"post": "yes"})
    client.post(f"/admin/shortlinks/user/{foreign.user.pk}/password/", PASSWORDS)

    assert [_stored(row) for row in foreign.rows()] == before


@pytest.mark.parametrize(
    ("action", "row"),
    [
        ("disable", "link"),
        ("revoke", "token"),
        ("requeue", "visit"),
        ("authorize", "integration"),
        ("disable", "webhook"),
        ("resend", "delivery"),
        ("use_for_new_links", "domain"),
        ("delete_selected", "contact"),
        ("delete_selected", "group"),
        ("delete_selected", "site"),
        ("delete_selected", "domain"),
    ],
)
def test_actions_do_not_change_rows_of_other_accounts(
    client: Client, own: World, foreign: World, action: str, row: str
) -> None:
    target: Model = getattr(foreign, row)
    before = _stored(target)

    posted = {"action": action, "_selected_action": [target.pk], "post": "yes"}
    client.post(listing(type(target)), posted)

    assert _stored(target) == before


PASSWORDS = {
    "password1": "correct horse battery",
    "password2": "correct horse battery",
    "usable_password": "true",
}


def _stored(row: Model) -> dict[str, Any]:
    return type(row)._default_manager.filter(pk=row.pk).values().get()


def test_form_choices_are_limited_to_the_account(
    client: Client, own: World, foreign: World
) -> None:
    changed = {
        "name": "Renamed",
        "tracking_consent": "unknown",
        "responsible_user": foreign.user.pk,
        "group": foreign.group.pk,
    }

    response: Any = client.post(address(own.contact, "change"), changed)

    assert response.context["adminform"].form.errors.keys() == {
        "responsible_user",
        "group",
    }
    assert "Foreign" not in response.content.decode()


def test_new_row_cannot_belong_to_another_account(
    client: Client, foreign: World
) -> None:
    posted = {"account": foreign.account.pk, "name": "Planted", "entity_id": "7"}

    for model in (Group, Contact, ConnectedSite, ShortDomain):
        response: Any = client.post(listing(model, "add"), posted)
        assert "account" in response.context["adminform"].form.errors
        assert "Foreign" not in response.content.decode()


def test_row_cannot_move_to_another_account(
    client: Client, account: Account, own: World, foreign: World
) -> None:
    posted = {"account": foreign.account.pk, "name": "Renamed"}

    client.post(address(own.group, "change"), posted)

    own.group.refresh_from_db()
    assert (own.group.name, own.group.account) == ("Renamed", account)


def test_autocomplete_is_limited_to_the_account(
    client: Client, own: World, foreign: World
) -> None:
    query = {
        "app_label": "shortlinks",
        "model_name": "contact",
        "field_name": "responsible_user",
        "term": "people.example",
    }

    response: Any = client.get("/admin/autocomplete/", query)

    assert [row["text"] for row in response.json()["results"]] == ["Own user"]


def test_operators_of_the_account_are_visible_but_read_only(
    client: Client, account: Account
) -> None:
    operator = factories.admin(account, is_superuser=True)
    before = _stored(operator)

    page = client.get(address(operator, "change"))
    statuses = [
        client.post(address(operator, "change"), {"email": "x@y.example"}).status_code,
        *(
            client.post(
                listing(User), {"action": action, "_selected_action": operator.pk}
            ).status_code
            for action in ("send_password_link", "remove_factors", "end_sessions")
        ),
    ]

    assert page.status_code == 200
    assert b"algorithm" not in page.content
    assert statuses == [403, 403, 403, 403]
    assert _stored(operator) == before


def test_administrator_cannot_create_operators(client: Client, admin: User) -> None:
    page: Any = client.get(address(admin, "change"))
    posted = page.context["adminform"].form.initial | {"is_superuser": "on"}

    response = client.post(
        address(admin, "change"), {k: v for k, v in posted.items() if v is not None}
    )

    admin.refresh_from_db()
    assert response.status_code == 302
    assert not admin.is_superuser


def test_administrator_cannot_add_delete_or_rename_accounts(
    client: Client, account: Account
) -> None:
    page: Any = client.get(address(account, "change"))
    fields = page.context["adminform"].form.fields

    statuses = [
        client.get(listing(Account, "add")).status_code,
        client.get(address(account, "delete")).status_code,
    ]

    assert statuses == [403, 403]
    assert not {"subdomain", "is_active"} & fields.keys()
