"""Answers of a provider that are missing, wrong, late or another person's."""

import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client

from shortlinks.admin.sign_in import checked_provider
from tests.admin.simulated_provider import (
    KEYS,
    LOGIN,
    OTHER_LOGIN,
    Company,
    age,
    begin,
    come_back,
    events,
    public_key,
    sign_in,
    user_of,
)


def test_callback_without_a_state_is_refused(company: Company, client: Client) -> None:
    response: Any = client.get(f"{LOGIN}callback/", {"code": "a", "state": "b"})

    assert response.status_code == 401
    assert "did not confirm who you are" in response.content.decode()
    assert company.tokens == []


def test_cancellation_leads_back(company: Company, client: Client) -> None:
    state = begin(client)["state"]
    sent = {"error": "access_denied", "state": state}

    page: Any = client.get(f"{LOGIN}callback/", sent, follow=True)

    assert "You went back" in page.content.decode()
    assert events("sign_in_failed") == []


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/token", None),
        ("/token", {"error": "invalid_grant"}),
        ("/keys", None),
        ("/keys", "no JSON"),
        ("/keys", []),
        ("/keys", {}),
        ("/keys", {"keys": []}),
        ("/userinfo", None),
        ("/userinfo", "no JSON"),
        ("/userinfo", []),
        ("/userinfo", {"email": "anna@shop.example"}),
        ("/userinfo", {"sub": "s" * 192}),
        ("/userinfo", {"sub": "a\0b"}),
        ("/userinfo", {"sub": None, "email": "anna@shop.example"}),
        ("/userinfo", {"sub": ["s-1"]}),
    ],
)
def test_failing_provider_is_a_clear_error(
    company: Company, client: Client, path: str, answer: Any
) -> None:
    sent = begin(client)
    company.answers[path] = answer

    response = come_back(client, sent)

    assert response.status_code in {401, 403, 502}
    assert "Sign-in failed" in response.content.decode()
    assert user_of(client) is None


@pytest.mark.parametrize("answer", [None, "no JSON", {}, []])
def test_failing_discovery_is_a_clear_error(
    company: Company, client: Client, answer: Any
) -> None:
    company.answers["/.well-known/openid-configuration"] = answer

    response: Any = client.post(LOGIN)

    assert response.status_code in {401, 502}
    assert "Sign-in failed" in response.content.decode()


def test_discovery_document_is_read_every_ten_minutes(
    company: Company, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client)
    sign_in(Client())
    assert company.requests.count("/.well-known/openid-configuration") == 1

    monkeypatch.setattr(checked_provider, "CONFIGURATION_TTL", 0)
    begin(Client())

    assert company.requests.count("/.well-known/openid-configuration") > 1


def test_discovery_document_of_another_issuer_is_refused(
    company: Company, client: Client
) -> None:
    company.answers["/.well-known/openid-configuration"]["issuer"] += ".evil.example"

    assert client.post(LOGIN).status_code == 502


@pytest.mark.parametrize(
    "claims",
    [
        *({"nonce": nonce} for nonce in ("another", None, 1)),
        {"aud": "another-client"},
        {"iss": "https://another.example"},
        {"exp": 1},
    ],
    ids=str,
)
def test_token_of_another_sign_in_is_refused(
    company: Company, client: Client, claims: dict[str, Any]
) -> None:
    company.id_claims = claims

    response = sign_in(client)

    assert response.status_code == 502
    assert user_of(client) is None


@pytest.mark.parametrize("algorithm", KEYS)
def test_signature_by_a_published_key_is_accepted(
    company: Company, client: Client, algorithm: str
) -> None:
    company.signature = (algorithm, KEYS[algorithm], algorithm)

    sign_in(client)

    assert user_of(client)


def test_only_published_key_needs_no_id(company: Company, client: Client) -> None:
    company.signature = ("ES256", KEYS["ES256"], None)
    assert sign_in(Client()).status_code == 502  # two keys are published

    company.answers["/keys"] = {"keys": [public_key("ES256")]}
    sign_in(client)

    assert user_of(client)


@pytest.mark.parametrize(
    "signature",
    [
        ("ES256", ec.generate_private_key(ec.SECP256R1()), "ES256"),
        ("ES256", KEYS["ES256"], "RS256"),
        ("ES256", KEYS["ES256"], "another"),
        ("HS256", "a secret of the client, 32 bytes or more", "ES256"),
        ("HS256", "a secret of the client, 32 bytes or more", None),
        ("none", None, "ES256"),
    ],
    ids=["forged", "other key", "unknown key", "secret", "secret, no id", "unsigned"],
)
def test_token_that_the_provider_did_not_sign_is_refused(
    company: Company, client: Client, signature: Any
) -> None:
    company.signature = signature

    response = sign_in(client)

    assert response.status_code == 502
    assert user_of(client) is None


def test_published_secret_signs_nothing(company: Company, client: Client) -> None:
    secret = {"kty": "oct", "k": "c2VjcmV0IG9mIHRoZSBjbGllbnQsIDMyIGJ5dGVz", "kid": "s"}
    company.answers["/keys"] = {"keys": [secret]}
    company.signature = ("HS256", "secret of the client, 32 bytes", "s")

    assert sign_in(client).status_code == 502
    assert user_of(client) is None


def test_same_subject_of_another_provider_is_another_person(
    company: Company, client: Client
) -> None:
    sign_in(client)
    company.describe(email="eve@shop.example")

    other = Client()
    sign_in(other, OTHER_LOGIN)

    emails = [user and user.email for user in (user_of(client), user_of(other))]
    assert emails == ["anna@shop.example", "eve@shop.example"]


def test_answer_of_another_provider_is_refused(
    company: Company, client: Client
) -> None:
    response = come_back(client, begin(client), OTHER_LOGIN)

    assert response.status_code in {401, 502}
    assert user_of(client) is None


def test_answer_without_id_token_is_refused(company: Company, client: Client) -> None:
    company.answers["/token"]["id_token"] = ""

    assert sign_in(client).status_code == 502
    assert user_of(client) is None


@pytest.mark.parametrize(
    ("seconds", "status"), [(5, 200), (1800, 302)], ids=["again", "not again"]
)
def test_signed_in_user_has_to_sign_in_again_at_the_provider(
    company: Company, client: Client, seconds: int, status: int
) -> None:
    company.describe(groups=["chiefs"])
    sign_in(client)
    user = user_of(client)
    age(client)
    company.id_claims = {"auth_time": time.time() - seconds}

    sent = begin(client)
    come_back(client, sent)

    assert sent["max_age"] == "0"
    assert user_of(client) == user
    assert client.get("/admin/shortlinks/apitoken/add/").status_code == status


def test_sign_in_that_began_before_another_is_not_recorded_as_recent(
    company: Company, client: Client
) -> None:
    company.describe(groups=["chiefs"])
    early, late = begin(client), begin(client)
    come_back(client, late)
    age(client)

    come_back(client, early)

    assert client.get("/admin/shortlinks/apitoken/add/").status_code == 302


def test_claims_of_two_persons_are_refused(company: Company, client: Client) -> None:
    company.id_claims = {"sub": "s-2"}

    response = sign_in(client)

    assert response.status_code == 502
    assert user_of(client) is None


def test_groups_are_read_from_the_id_token_too(
    company: Company, client: Client
) -> None:
    company.describe()
    del company.answers["/userinfo"]["groups"]
    company.id_claims = {"groups": ["chiefs"]}

    sign_in(client)

    user = user_of(client)
    assert user
    assert user.is_admin


def test_unavailable_provider_is_a_clear_error(
    company: Company, client: Client
) -> None:
    company.answers.clear()

    response: Any = client.post(LOGIN)

    assert response.status_code == 502
    assert "The provider is unavailable" in response.content.decode()
