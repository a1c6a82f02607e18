"""`POST /oauth2/access_token` (docs/contract.md)."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from shortlinks.domain.auth import oauth
from shortlinks.domain.auth.oauth import RegisteredIntegration
from shortlinks.models import OAuthGrant, User
from tests.conftest import Api

PATH = "/oauth2/access_token"
REDIRECT_URI = "https://crm.example/callback"


@pytest.fixture
def registered(admin: User) -> RegisteredIntegration:
    return oauth.register(user=admin, name="CRM", redirect_uri=REDIRECT_URI)


@pytest.fixture
def code(registered: RegisteredIntegration, admin: User) -> str:
    return oauth.authorize(registered.integration, admin)


def request(registered: RegisteredIntegration, **fields: str) -> dict[str, str]:
    return {
        "client_id": str(registered.integration.client_id),
        "client_secret": registered.secret,
        "redirect_uri": REDIRECT_URI,
        **fields,
    }


def by_code(
    registered: RegisteredIntegration, code: str, **fields: str
) -> dict[str, str]:
    return request(registered, grant_type="authorization_code", code=code, **fields)


def by_refresh(registered: RegisteredIntegration, token: str) -> dict[str, str]:
    return request(registered, grant_type="refresh_token", refresh_token=token)


def test_code_is_exchanged_for_working_tokens(
    anonymous: Api, registered: RegisteredIntegration, code: str, admin: User
) -> None:
    response: Any = anonymous.post(PATH, by_code(registered, code))

    pair = response.json()
    assert response.status_code == 200
    assert pair.keys() == {"token_type", "expires_in", "access_token", "refresh_token"}
    assert (pair["token_type"], pair["expires_in"]) == ("Bearer", 86_400)
    account: Any = Api(pair["access_token"]).get("/api/v4/account")
    assert account.json()["current_user_id"] == admin.id


def test_form_is_accepted_like_json(
    anonymous: Api, registered: RegisteredIntegration, code: str
) -> None:
    response = anonymous.send(
        "POST",
        PATH,
        data=urlencode(by_code(registered, code)),
        content_type="application/x-www-form-urlencoded",
    )

    assert response.status_code == 200


def test_refresh_tokens_rotate(
    anonymous: Api, registered: RegisteredIntegration, code: str
) -> None:
    first: Any = anonymous.post(PATH, by_code(registered, code))
    old = first.json()["refresh_token"]

    second: Any = anonymous.post(PATH, by_refresh(registered, old))
    third: Any = anonymous.post(
        PATH, by_refresh(registered, second.json()["refresh_token"])
    )

    pairs = [each.json() for each in (first, second, third)]
    assert [second.status_code, third.status_code] == [200, 200]
    assert len({pair["refresh_token"] for pair in pairs}) == 3
    assert len({pair["access_token"] for pair in pairs}) == 3


def test_code_works_once(
    anonymous: Api, registered: RegisteredIntegration, code: str
) -> None:
    statuses = [
        anonymous.post(PATH, by_code(registered, code)).status_code for _ in range(2)
    ]

    assert statuses == [200, 400]


def test_code_expires_after_twenty_minutes(
    anonymous: Api, registered: RegisteredIntegration, code: str
) -> None:
    grant = OAuthGrant.objects.get()
    assert grant.expires_at - grant.created_at == pytest.approx(
        timedelta(minutes=20), abs=timedelta(seconds=5)
    )
    grant.expires_at = timezone.now()
    grant.save()

    assert anonymous.post(PATH, by_code(registered, code)).status_code == 400


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"client_secret": "wrong"}, 401),
        ({"client_id": "nonsense"}, 401),
        ({"redirect_uri": "https://evil.example/"}, 401),
        ({"code": "wrong"}, 400),
        ({"grant_type": "password"}, 400),
        ({"grant_type": ""}, 400),
    ],
)
def test_rejected_request_is_a_problem_with_a_hint(
    anonymous: Api,
    registered: RegisteredIntegration,
    code: str,
    fields: dict[str, str],
    status: int,
) -> None:
    response: Any = anonymous.post(PATH, {**by_code(registered, code), **fields})

    problem = response.json()
    assert response.headers["Content-Type"] == "application/problem+json"
    assert problem.keys() == {"hint", "title", "type", "status", "detail"}
    assert (response.status_code, problem["status"]) == (status, status)
    assert problem["type"].endswith("/OAuthProblemJson")


def test_form_in_another_charset_or_too_long_is_a_problem(anonymous: Api) -> None:
    form = "application/x-www-form-urlencoded"
    many = "&".join(f"a{number}=1" for number in range(2000))

    statuses = [
        anonymous.send("POST", PATH, data=data, content_type=media_type).status_code
        for data, media_type in [
            ("grant_type=x", f"{form}; charset=windows-1251"),
            (many, form),
            ("a=" + "b" * 5_000_000, form),
        ]
    ]

    assert statuses == [400, 400, 413]


def test_grants_of_an_inactive_account_are_kept(
    anonymous: Api, registered: RegisteredIntegration, code: str
) -> None:
    account = registered.integration.account
    account.is_active = False
    account.save()
    assert anonymous.post(PATH, by_code(registered, code)).status_code == 400
    account.is_active = True
    account.save()

    assert anonymous.post(PATH, by_code(registered, code)).status_code == 200


def test_code_of_another_integration_is_rejected(
    anonymous: Api, admin: User, code: str
) -> None:
    other = oauth.register(user=admin, name="Other", redirect_uri=REDIRECT_URI)

    assert anonymous.post(PATH, by_code(other, code)).status_code == 400


def test_body_with_wrong_types_is_rejected(anonymous: Api) -> None:
    assert anonymous.post(PATH, {"grant_type": ["refresh_token"]}).status_code == 400
    assert anonymous.post(PATH, [1]).status_code == 400
