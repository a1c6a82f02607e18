"""Rotation of refresh tokens, repeated answers, replays and revocation."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from shortlinks.domain.auth import oauth, oauth_families
from shortlinks.domain.auth.oauth import RegisteredIntegration
from shortlinks.models import (
    ApiToken,
    OAuthFamily,
    OAuthGrant,
    SecurityEvent,
    User,
)
from shortlinks.models import SecurityEventKind as Kind
from tests.api import test_oauth
from tests.api.test_oauth import PATH, by_code, by_refresh, request
from tests.conftest import Api

REVOKE = "/oauth2/revoke"
Pair = dict[str, Any]

registered, code = test_oauth.registered, test_oauth.code  # fixtures


class Client:
    """An integration that sends requests for tokens."""

    def __init__(self, registered: RegisteredIntegration) -> None:
        self.registered = registered

    def begin(self, code: str) -> Pair:
        return self._pair(by_code(self.registered, code))

    def refresh(self, pair: Pair) -> Pair:
        return self._pair(by_refresh(self.registered, pair["refresh_token"]))

    def status(self, pair: Pair) -> int:
        body = by_refresh(self.registered, pair["refresh_token"])
        return Api(None).post(PATH, body).status_code

    def revoke(self, token: str, **fields: str) -> int:
        body = {**request(self.registered, token=token), **fields}
        return Api(None).post(REVOKE, body).status_code

    def _pair(self, body: dict[str, str]) -> Pair:
        response: Any = Api(None).post(PATH, body)
        assert response.status_code == 200, response.content
        pair: Pair = response.json()
        return pair


@pytest.fixture
def client(registered: RegisteredIntegration) -> Client:
    return Client(registered)


@pytest.fixture
def pair(client: Client, code: str) -> Pair:
    return client.begin(code)


def works(pair: Pair) -> bool:
    status = Api(pair["access_token"]).get("/api/v4/account").status_code
    assert status in {200, 401}
    return status == 200


def pass_time(**times: Any) -> None:
    """Move the uses and expiries of grants into the past."""
    passed = timedelta(**times)
    OAuthGrant.objects.update(
        used_at=F("used_at") - passed, expires_at=F("expires_at") - passed
    )


def count(kind: Kind) -> int:
    return sum(SecurityEvent.objects.filter(kind=kind).values_list("count", flat=True))


@pytest.mark.parametrize("seconds", [0, 59])
def test_replaced_token_gets_the_same_pair_for_a_minute(
    client: Client, pair: Pair, seconds: int
) -> None:
    second = client.refresh(pair)
    pass_time(seconds=seconds)

    again = [client.refresh(pair) for _ in range(3)]

    for each in again:
        assert each["refresh_token"] == second["refresh_token"]
        assert each["access_token"] == second["access_token"]
        assert 86_390 <= each["expires_in"] <= 86_400
    assert works(second)
    assert client.status(second) == 200
    assert count(Kind.OAUTH_REPLAYED) == 0


def test_same_pair_is_given_while_the_key_is_rotated(
    client: Client, pair: Pair, settings: Any
) -> None:
    second = client.refresh(pair)
    settings.TOKEN_KEYS = {"k2": b"n" * 43, **settings.TOKEN_KEYS}

    again = client.refresh(pair)

    assert again["refresh_token"] == second["refresh_token"]
    assert works(again)


def test_tokens_are_not_stored(client: Client, pair: Pair) -> None:
    second = client.refresh(pair)

    stored = str([*OAuthGrant.objects.values(), *ApiToken.objects.values()])
    for each in (pair, second):
        assert each["refresh_token"] not in stored
        assert each["access_token"] not in stored


def replay_after_a_minute(client: Client, pair: Pair, code: str) -> int:
    pass_time(seconds=61)
    return client.status(pair)


def replay_an_older_one(client: Client, pair: Pair, code: str) -> int:
    client.refresh(client.refresh(pair))
    return client.status(pair)


def replay_the_code(client: Client, pair: Pair, code: str) -> int:
    return Api(None).post(PATH, by_code(client.registered, code)).status_code


def replay_the_code_later(client: Client, pair: Pair, code: str) -> int:
    pass_time(days=30)
    return replay_the_code(client, pair, code)


@pytest.mark.parametrize(
    "replay",
    [
        replay_after_a_minute,
        replay_an_older_one,
        replay_the_code,
        replay_the_code_later,
    ],
)
def test_replay_ends_the_family(
    client: Client,
    pair: Pair,
    code: str,
    admin: User,
    replay: Any,
) -> None:
    second = client.refresh(pair)
    other = client.begin(oauth.authorize(client.registered.integration, admin))
    assert works(pair)
    assert works(second)

    assert replay(client, pair, code) == 400

    assert [works(each) for each in (pair, second)] == [False, False]
    assert [client.status(each) for each in (second, pair)] == [400, 400]
    [event] = SecurityEvent.objects.filter(kind=Kind.OAUTH_REPLAYED)
    assert (event.account, event.user_id) == (admin.account, admin.pk)
    assert (event.detail, event.count) == ("CRM", 1)
    assert works(other)
    assert client.status(other) == 200


def test_token_of_another_client_ends_nothing(
    client: Client, pair: Pair, admin: User
) -> None:
    client.refresh(pair)
    pass_time(seconds=61)
    uri = client.registered.integration.redirect_uri
    other = Client(oauth.register(user=admin, name="Other", redirect_uri=uri))

    assert other.status(pair) == 400
    assert other.revoke(pair["refresh_token"]) == 200
    assert other.revoke(pair["access_token"]) == 200

    assert works(pair)
    assert count(Kind.OAUTH_REPLAYED) == 0


def test_unused_token_that_expired_is_rejected_and_ends_nothing(
    client: Client, pair: Pair
) -> None:
    pass_time(days=90)

    assert client.status(pair) == 400

    assert works(pair)
    assert count(Kind.OAUTH_REPLAYED) == 0


def test_family_lives_on_if_its_user_was_inactive(
    client: Client, pair: Pair, admin: User
) -> None:
    User.objects.update(is_active=False)
    assert client.status(pair) == 400
    User.objects.update(is_active=True)

    assert client.status(pair) == 200


def test_revoked_refresh_token_ends_its_family(client: Client, pair: Pair) -> None:
    second = client.refresh(pair)

    statuses = [client.revoke(second["refresh_token"]) for _ in range(2)]

    assert statuses == [200, 200]
    assert [works(each) for each in (pair, second)] == [False, False]
    assert client.status(second) == 400
    assert count(Kind.OAUTH_REVOKED) == 1


def test_revoked_access_token_ends_alone(client: Client, pair: Pair) -> None:
    second = client.refresh(pair)

    status = client.revoke(second["access_token"], token_type_hint="refresh_token")

    assert status == 200
    assert [works(each) for each in (pair, second)] == [True, False]
    assert client.status(second) == 200
    assert count(Kind.TOKEN_REVOKED) == 1


@pytest.mark.parametrize("token", ["unknown", "a.b.c", "ы"])
def test_unknown_token_is_revoked_without_an_effect(
    client: Client, pair: Pair, token: str
) -> None:
    assert client.revoke(token) == 200
    assert works(pair)


def test_code_cannot_be_revoked(client: Client, code: str) -> None:
    assert client.revoke(code) == 200
    assert works(client.begin(code))


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"client_secret": "wrong"}, 401),
        ({"client_id": "nonsense"}, 401),
        ({"redirect_uri": "https://evil.example/"}, 401),
        ({"token": ""}, 400),
    ],
)
def test_invalid_revocation_is_a_problem_with_a_hint(
    client: Client, pair: Pair, fields: dict[str, str], status: int
) -> None:
    body = {**request(client.registered, token=pair["refresh_token"]), **fields}

    response: Any = Api(None).post(REVOKE, body)

    assert response.status_code == status
    assert response.json()["type"].endswith("/OAuthProblemJson")
    assert works(pair)


def test_revocation_needs_no_redirect_uri(client: Client, pair: Pair) -> None:
    body = request(client.registered, token=pair["refresh_token"])
    del body["redirect_uri"]

    assert Api(None).post(REVOKE, body).status_code == 200

    assert not works(pair)


def test_expired_families_are_deleted_in_batches(
    client: Client,
    pair: Pair,
    admin: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client.refresh(client.refresh(pair))
    past = timezone.now() - timedelta(seconds=1)
    for rows in (OAuthGrant.objects, OAuthFamily.objects):
        rows.update(expires_at=past)
    oauth.authorize(client.registered.integration, admin)
    alive = client.begin(oauth.authorize(client.registered.integration, admin))
    monkeypatch.setattr(oauth_families, "BATCH_SIZE", 2)

    deleted = [oauth_families.purge() for _ in range(3)]

    # Each access token goes with its refresh token, and the code with the family.
    assert deleted == [4, 4, 0]
    assert OAuthFamily.objects.count() == 1
    assert ApiToken.objects.count() == 1
    assert OAuthGrant.objects.filter(family=None).count() == 1
    assert client.status(alive) == 200


def test_old_members_of_a_living_family_are_deleted(client: Client, pair: Pair) -> None:
    second = client.refresh(pair)
    past = timezone.now() - timedelta(seconds=1)
    OAuthGrant.objects.filter(generation__lt=2).update(expires_at=past)

    oauth_families.purge()

    assert client.status(second) == 200
    assert sorted(OAuthGrant.objects.values_list("generation", flat=True)) == [0, 2, 3]
