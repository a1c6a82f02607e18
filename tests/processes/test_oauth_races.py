"""Concurrent requests with one refresh token, against the server and Postgres."""

from collections.abc import Callable

import httpx
import pytest

from shortlinks.domain.auth import oauth
from shortlinks.models import GrantKind, OAuthFamily, OAuthGrant, SecurityEvent, User
from shortlinks.models import SecurityEventKind as Kind
from tests import factories, services

RACERS = 20
URI = "https://crm.example/callback"

Exchange = Callable[[str, str], httpx.Response]


@pytest.fixture
def registered(transactional_db: None) -> oauth.RegisteredIntegration:
    user = factories.admin(factories.account())
    return oauth.register(user=user, name="CRM", redirect_uri=URI)


@pytest.fixture
def code(registered: oauth.RegisteredIntegration) -> str:
    return oauth.authorize(registered.integration, User.objects.get())


@pytest.fixture
def exchange(web: httpx.Client, registered: oauth.RegisteredIntegration) -> Exchange:
    def send(grant_type: str, secret: str) -> httpx.Response:
        field = "code" if grant_type == "authorization_code" else grant_type
        body = {
            "client_id": str(registered.integration.client_id),
            "client_secret": registered.secret,
            "redirect_uri": URI,
            "grant_type": grant_type,
            field: secret,
        }
        return web.post("/oauth2/access_token", json=body)

    return send


def test_racers_with_one_refresh_token_get_one_pair_that_works(
    exchange: Exchange, web: httpx.Client, code: str
) -> None:
    first = exchange("authorization_code", code).json()["refresh_token"]

    responses = services.in_threads(
        lambda: exchange("refresh_token", first), RACERS, threads=RACERS
    )

    assert [each.status_code for each in responses] == [200] * RACERS
    [refresh] = {each.json()["refresh_token"] for each in responses}
    [access] = {each.json()["access_token"] for each in responses}
    assert OAuthGrant.objects.filter(kind=GrantKind.REFRESH).count() == 2
    assert OAuthFamily.objects.get().generation == 2
    headers = {"Authorization": f"Bearer {access}"}
    assert web.get("/api/v4/account", headers=headers).status_code == 200
    assert exchange("refresh_token", refresh).status_code == 200
    assert not SecurityEvent.objects.filter(kind=Kind.OAUTH_REPLAYED).exists()


def test_racers_with_one_code_get_one_family_which_a_replay_ends(
    exchange: Exchange, code: str
) -> None:
    responses = services.in_threads(
        lambda: exchange("authorization_code", code), RACERS, threads=RACERS
    )

    statuses = sorted(each.status_code for each in responses)
    assert statuses == [200, *[400] * (RACERS - 1)]
    assert OAuthFamily.objects.get().ended_at is not None
    event = SecurityEvent.objects.get(kind=Kind.OAUTH_REPLAYED)
    assert event.count == 1
