"""Admin pages for tokens and integrations; secrets are shown once."""

import re
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from shortlinks.domain.auth import oauth, tokens
from shortlinks.models import Account, ApiToken, GrantKind, Integration, Scope, User
from tests import factories
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import World, address, listing

TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")
SECRET = re.compile(r"not be shown again: ([\w-]{64})")
CODE = re.compile(r"within 20 minutes: ([\w-]{86})")


@pytest.fixture
def client(admin: User, sign_in: SignIn) -> Client:
    return sign_in(admin)


def _order(user: User, **fields: str | list[str]) -> dict[str, Any]:
    day = timezone.now() + timedelta(days=30)
    return {
        "user": user.pk,
        "name": "CRM",
        "scopes": ["links:write"],
        "expires_at_0": f"{day:%Y-%m-%d}",
        "expires_at_1": "12:00:00",
        **fields,
    }


def _authorize(client: Client, integration: Integration) -> str:
    posted = {"action": "authorize", "_selected_action": [integration.pk]}
    response: Any = client.post(listing(Integration), posted, follow=True)
    return str(response.content.decode())


def test_new_token_is_shown_once_and_works(client: Client, manager: User) -> None:
    first: Any = client.post(listing(ApiToken, "add"), _order(manager), follow=True)
    again = client.get(listing(ApiToken)).content.decode()

    text = TOKEN.findall(first.content.decode())[0]
    row = tokens.verify(text, now=timezone.now())
    assert (row.user, row.name, row.scopes) == (manager, "CRM", ["links:write"])
    local = row.expires_at.astimezone(ZoneInfo(manager.account.time_zone))  # type: ignore[union-attr]
    assert f"{local:%H:%M:%S}" == "12:00:00"
    assert not TOKEN.search(again)


def test_token_is_not_stored(client: Client, manager: User) -> None:
    response = client.post(listing(ApiToken, "add"), _order(manager))

    assert response.status_code == 302
    sessions = [session.get_decoded() for session in Session.objects.all()]
    stored = f"{sessions} {list(LogEntry.objects.values())}"
    page = client.get(address(ApiToken.objects.get(), "change"))
    assert not TOKEN.search(stored)
    assert TOKEN.search(client.get(listing(ApiToken)).content.decode()) is None
    assert TOKEN.search(page.content.decode())  # the message was in a cookie


@pytest.mark.parametrize("model", [ApiToken, Integration])
def test_new_row_may_create_links_only(client: Client, model: type[Model]) -> None:
    page: Any = client.get(listing(model, "add"))

    initial = page.context["adminform"].form.initial
    assert initial["scopes"] == [Scope.LINKS_WRITE]


def test_new_token_expires_after_a_year(client: Client) -> None:
    page: Any = client.get(listing(ApiToken, "add"))

    initial = page.context["adminform"].form.initial
    life = initial["expires_at"] - timezone.now()
    assert life > timedelta(days=364)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"expires_at_0": "2020-01-01"}, "expires_at"),
        ({"expires_at_0": "2099-01-01"}, "expires_at"),
        ({"scopes": ["everything"]}, "scopes"),
        ({"scopes": []}, "scopes"),
    ],
    ids=["past", "too far", "unknown scope", "no scope"],
)
def test_token_form_rejects_invalid_values(
    client: Client, manager: User, fields: dict[str, Any], fault: str
) -> None:
    response: Any = client.post(listing(ApiToken, "add"), _order(manager, **fields))

    assert response.context["adminform"].form.errors.keys() == {fault}
    assert not ApiToken.objects.exists()


def test_token_requires_a_user_of_the_account(
    client: Client, account: Account, foreign: World
) -> None:
    operator = factories.admin(account, is_superuser=True)
    before = ApiToken.objects.count()

    for user in (foreign.user, operator):
        response: Any = client.post(listing(ApiToken, "add"), _order(user))
        assert response.context["adminform"].form.errors.keys() == {"user"}

    assert ApiToken.objects.count() == before


def test_revoked_token_is_rejected(client: Client, manager: User) -> None:
    text = factories.token(manager)
    row = ApiToken.objects.get()

    client.post(listing(ApiToken), {"action": "revoke", "_selected_action": [row.pk]})

    row.refresh_from_db()
    assert row.revoked_at is not None
    assert LogEntry.objects.get().get_change_message() == "Revoked."
    with pytest.raises(tokens.TokenRejected):
        tokens.verify(text, now=timezone.now())


def test_tokens_cannot_be_changed_or_deleted(client: Client, own: World) -> None:
    statuses = [
        client.post(address(own.token, page), {"post": "yes"}).status_code
        for page in ("change", "delete")
    ]

    assert statuses == [403, 403]


def test_integration_secret_is_shown_once(client: Client, account: Account) -> None:
    order = {
        "name": "CRM",
        "redirect_uri": "https://crm.example/back",
        "scopes": ["links:write"],
    }

    first: Any = client.post(listing(Integration, "add"), order, follow=True)
    again = client.get(listing(Integration)).content.decode()

    made = Integration.objects.get()
    secret = SECRET.findall(first.content.decode())[0]
    known = oauth.authenticate(
        client_id=str(made.client_id),
        secret=secret,
        redirect_uri="https://crm.example/back",
    )
    assert known == made
    assert made.account == account
    assert secret not in again


def test_authorization_code_acts_for_the_user(
    client: Client, own: World, admin: User
) -> None:
    code = CODE.findall(_authorize(client, own.integration))[0]

    pair = oauth.redeem(own.integration, kind=GrantKind.CODE, secret=code)
    token = tokens.verify(pair.access_token, now=timezone.now())
    assert token.user == admin


def test_operator_gets_no_code_for_another_account(
    sign_in: SignIn, own: World, foreign: World
) -> None:
    operator = factories.user(own.account, is_superuser=True)
    client = sign_in(operator)

    pages = [_authorize(client, world.integration) for world in (own, foreign)]

    assert [bool(CODE.search(page)) for page in pages] == [True, False]


def test_deleting_an_integration_deletes_its_tokens(client: Client, own: World) -> None:
    secret = oauth.authorize(own.integration, own.user)
    pair = oauth.redeem(own.integration, kind=GrantKind.CODE, secret=secret)

    client.post(address(own.integration, "delete"), {"post": "yes"})

    assert not Integration.objects.filter(pk=own.integration.pk).exists()
    assert ApiToken.objects.get() == own.token
    with pytest.raises(tokens.TokenRejected):
        tokens.verify(pair.access_token, now=timezone.now())


def test_integration_may_report_chats_of_a_channel(
    client: Client, account: Account, admin: User
) -> None:
    order = {
        "name": "Channel",
        "redirect_uri": "https://channel.example/",
        "scopes": ["chats:report"],
    }

    client.post(listing(Integration, "add"), order)

    made = Integration.objects.get()
    pair = oauth.redeem(made, kind=GrantKind.CODE, secret=oauth.authorize(made, admin))
    assert made.scopes == ["chats:report"]
    assert tokens.verify(pair.access_token, now=timezone.now()).scopes == made.scopes
