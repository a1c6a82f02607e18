"""Refused tokens and OAuth requests are security events, few rows for many."""

import itertools
from typing import Any

import pytest
from django.test import Client

from shortlinks.domain.auth import oauth, security_events, tokens
from shortlinks.models import SecurityEvent, User
from shortlinks.models import SecurityEventKind as Kind

ACCOUNT = "/api/v4/account"
TOKENS = "/oauth2/access_token"
_networks = itertools.count(1)


@pytest.fixture
def network() -> str:
    """A network from which no event was counted yet."""
    return f"203.7.{next(_networks)}"


def events() -> list[tuple[Any, ...]]:
    rows = SecurityEvent.objects.exclude(kind=Kind.TOKEN_ISSUED).order_by("pk")
    return list(rows.values_list("kind", "account", "detail", "network", "count"))


def ask(client: Client, network: str, token: str, host: int = 1) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    remote = f"{network}.{host}"
    return client.get(ACCOUNT, headers=headers, REMOTE_ADDR=remote).status_code


@pytest.mark.parametrize("token", ["", "guess", "a.b.c", "a b"])
def test_invalid_token_is_an_event_of_nobody(
    db: None, client: Client, network: str, token: str
) -> None:
    assert ask(client, network, token) == 401

    assert events() == [(Kind.TOKEN_REJECTED, None, "", f"{network}.0", 1)]


def test_revoked_token_is_an_event_of_its_account(
    admin: User, client: Client, network: str
) -> None:
    issued = tokens.issue(admin, name="CRM")
    ask(client, network, issued.text)
    tokens.revoke([issued.row])
    SecurityEvent.objects.all().delete()

    assert ask(client, network, issued.text) == 401

    assert events() == [
        (Kind.TOKEN_REJECTED, admin.account_id, "CRM", f"{network}.0", 1)
    ]


def test_request_without_a_token_is_no_event(db: None, client: Client) -> None:
    assert client.get(ACCOUNT).status_code == 401
    assert events() == []


def test_flood_of_invalid_tokens_is_one_row_with_their_number(
    db: None,
    client: Client,
    network: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(50):
        ask(client, network, f"guess-{number}", host=number)
    assert events() == [(Kind.TOKEN_REJECTED, None, "", f"{network}.0", 1)]

    monkeypatch.setattr(security_events, "FREQUENT_SECONDS", 0)
    ask(client, network, "guess", host=0)

    assert sum(count for *_, count in events()) > 1
    assert len(events()) == 1


def test_refused_oauth_requests_are_events_of_their_account(
    admin: User, client: Client, network: str
) -> None:
    uri = "https://crm.example/"
    made = oauth.register(user=admin, name="CRM", redirect_uri=uri)
    body = {
        "client_id": str(made.integration.client_id),
        "client_secret": made.secret,
        "redirect_uri": uri,
        "grant_type": "authorization_code",
        "code": "used",
    }
    wrong = [
        body,  # the code
        body | {"client_secret": "wrong"},
        body | {"client_id": "unknown"},
    ]

    statuses = [
        client.post(TOKENS, each, REMOTE_ADDR=f"{network}{number}.1").status_code
        for number, each in enumerate(wrong)
    ]

    assert statuses == [400, 401, 401]
    assert [row[:3] for row in events()] == [
        (Kind.OAUTH_FAILED, admin.account_id, "CRM"),
        (Kind.OAUTH_FAILED, admin.account_id, "CRM"),
        (Kind.OAUTH_FAILED, None, ""),
    ]


def test_wrong_tokens_are_limited_but_right_ones_pass(
    admin: User, client: Client, network: str
) -> None:
    right = tokens.issue(admin, name="CRM").text

    statuses = [ask(client, network, "guess") for _ in range(310)]

    assert statuses == [401] * 300 + [429] * 10
    assert ask(client, network, right) == 200


def test_wrong_client_secrets_are_limited_but_right_ones_pass(
    admin: User, client: Client, network: str
) -> None:
    registered = oauth.register(user=admin, name="CRM", redirect_uri="https://x.test/")
    body = {
        "client_id": str(registered.integration.client_id),
        "redirect_uri": "https://x.test/",
        "grant_type": "refresh_token",
        "refresh_token": "unknown",
    }

    def post(secret: str) -> int:
        posted = body | {"client_secret": secret}
        return client.post(TOKENS, posted, REMOTE_ADDR=f"{network}.1").status_code

    assert [post("guess") for _ in range(65)] == [401] * 60 + [429] * 5
    assert post(registered.secret) == 400  # the client is known, its token is not
