"""Tokens: JWTs as docs/contract.md describes. Inactive ones get 401."""

import base64
import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
from django.utils import timezone
from pytest_django import Settings

from shortlinks.domain.auth import tokens
from shortlinks.models import Account, ApiToken, User
from tests import factories
from tests.conftest import Api


def claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    decoded = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert isinstance(decoded, dict)
    return decoded


def test_token_has_the_claims_that_clients_read(
    account: Account, admin: User, settings: Settings
) -> None:
    issued = tokens.issue(admin, name="CRM")

    assert claims(issued.text) == {
        "aud": "shortlinks",
        "jti": str(issued.row.jti),
        "iat": int(issued.row.created_at.timestamp()),
        "nbf": int(issued.row.created_at.timestamp()),
        "exp": int(issued.row.expires_at.timestamp()),
        "sub": str(admin.id),
        "account_id": account.id,
        "base_domain": urlsplit(settings.BASE_URL).netloc,
        "api_domain": urlsplit(settings.BASE_URL).netloc,
        "scopes": issued.row.scopes,
        "version": 2,
    }


def revoke(token: ApiToken) -> None:
    token.revoked_at = timezone.now()
    token.save()


def expire(token: ApiToken) -> None:
    token.expires_at = timezone.now()
    token.save()


def dismiss(token: ApiToken) -> None:
    User.objects.filter(pk=token.user_id).update(is_active=False)


def close(token: ApiToken) -> None:
    Account.objects.filter(pk=token.account_id).update(is_active=False)


@pytest.mark.parametrize("end", [revoke, expire, dismiss, close, ApiToken.delete])
def test_token_that_has_ended_is_401(
    admin: User, end: Callable[[ApiToken], object]
) -> None:
    issued = tokens.issue(admin, name="CRM")
    api = Api(issued.text)
    assert api.get("/api/v4/account").status_code == 200

    end(issued.row)

    response = api.get("/api/v4/account")
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"


def base64_of(header: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(header).encode()).decode().strip("=")


def forge(
    token: str, *, key: str = "another key of 32 characters or more", **header: Any
) -> str:
    return jwt.encode(claims(token), key, headers={"kid": "k1", **header})


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda token: "", id="empty"),
        pytest.param(lambda token: "nonsense", id="nonsense"),
        pytest.param(lambda token: token[:-3] + "AAA", id="other signature"),
        pytest.param(forge, id="other key"),
        pytest.param(lambda token: forge(token, kid="k9"), id="unknown key id"),
        pytest.param(
            lambda token: (
                base64_of({"alg": "HS256", "kid": ["k1"]}) + token[token.index(".") :]
            ),
            id="key id of a list",
        ),
        pytest.param(
            lambda token: jwt.encode(claims(token), "", algorithm="none"),
            id="no signature",
        ),
        pytest.param(lambda token: token + " x", id="two words"),
        pytest.param(lambda token: "é" * 9, id="not ascii"),
        pytest.param(lambda token: "a" * 100_000, id="huge"),
    ],
)
def test_malformed_or_forged_token_is_401(
    admin: User, spoil: Callable[[str], str]
) -> None:
    good = factories.token(admin)

    response = Api(None).get("/api/v4/account", Authorization=f"Bearer {spoil(good)}")

    assert response.status_code == 401


def test_request_without_token_is_401(anonymous: Api) -> None:
    assert anonymous.get("/api/v4/account").status_code == 401


def test_older_key_still_verifies_and_the_newest_signs(
    admin: User, settings: Settings
) -> None:
    old = factories.token(admin)

    settings.TOKEN_KEYS = {"k2": b"n" * 43, **settings.TOKEN_KEYS}

    assert Api(old).get("/api/v4/account").status_code == 200
    new = factories.token(admin)
    assert jwt.get_unverified_header(new)["kid"] == "k2"
    assert Api(new).get("/api/v4/account").status_code == 200


def test_last_use_is_stored_at_most_once_a_minute(admin: User) -> None:
    issued = tokens.issue(admin, name="CRM")
    now = timezone.now()

    used = []
    for seconds in (0, 59, 61):
        tokens.verify(issued.text, now=now + timedelta(seconds=seconds))
        issued.row.refresh_from_db()
        used.append(issued.row.last_used_at)

    assert used == [now, now, now + timedelta(seconds=61)]


def test_token_is_not_stored(admin: User) -> None:
    issued = tokens.issue(admin, name="CRM")

    stored = ApiToken.objects.filter(pk=issued.row.pk).values().get()

    signature = issued.text.split(".")[2]
    assert signature not in repr(stored)


def test_token_expires_after_its_lifetime(admin: User) -> None:
    issued = tokens.issue(admin, name="CRM", life=timedelta(days=1))

    assert claims(issued.text)["exp"] == pytest.approx(time.time() + 86_400, abs=60)
