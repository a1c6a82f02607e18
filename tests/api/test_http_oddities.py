"""Requests that are unusual, but that clients send (docs/contract.md)."""

import gzip
import json
import zlib
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings as django_settings
from django.test import Client
from pytest_django import Settings

from shortlinks.models import Account, Contact, User
from tests import factories
from tests.api.test_oauth import PATH as OAUTH
from tests.api.test_oauth import by_code, code, registered  # noqa: F401  fixtures
from tests.conftest import Api

CONTACTS = "/api/v4/contacts"
ACCOUNT = "/api/v4/account"
BODY = json.dumps([{"name": "Anna"}]).encode()


def raw_deflate(body: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(body) + compressor.flush()


def send(api: Api, body: bytes, encoding: str, path: str = CONTACTS) -> Any:
    return api.send(
        "POST",
        path,
        data=body,
        content_type="application/json",
        headers={"Content-Encoding": encoding},
    )


# --- paths --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("//api/v4/account", 200, "application/hal+json"),
        ("/api//v4///account", 200, "application/hal+json"),
        ("///api/v4/nothing", 404, "application/problem+json"),
        ("//oauth2//access_token", 405, "application/problem+json"),
        ("//api", 404, "application/problem+json"),
    ],
)
def test_repeated_slashes_count_as_one(
    account: Account, api: Api, path: str, status: int, kind: str
) -> None:
    response = api.get(f"http://testserver{path}")

    assert (response.status_code, response.headers["Content-Type"]) == (status, kind)


def test_links_have_one_slash_after_a_request_with_two(api: Api) -> None:
    api.post(CONTACTS, [{"name": "Anna"}])

    response: Any = api.get("http://testserver//api//v4//contacts")

    href = response.json()["_links"]["self"]["href"]
    assert href == "http://testserver/api/v4/contacts?page=1&limit=50"


@pytest.mark.parametrize(
    "path", [ACCOUNT, CONTACTS, "/api/v4/nothing", "/api/docs", "/oauth2/access_token"]
)
def test_responses_are_not_stored_by_caches(api: Api, path: str) -> None:
    assert api.get(path).headers["Cache-Control"] == "no-store"
    assert Api(None).get(path).headers["Cache-Control"] == "no-store"


# --- Content-Encoding ---------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        pytest.param(gzip.compress(BODY), "gzip", id="gzip"),
        pytest.param(gzip.compress(BODY), "X-GZIP", id="x-gzip"),
        pytest.param(
            gzip.compress(BODY[:5]) + gzip.compress(BODY[5:]), "gzip", id="two members"
        ),
        pytest.param(zlib.compress(BODY), "deflate", id="deflate"),
        pytest.param(raw_deflate(BODY), "deflate", id="raw deflate"),
        pytest.param(BODY, "identity", id="identity"),
    ],
)
def test_encoded_body_is_decoded(api: Api, body: bytes, encoding: str) -> None:
    response = send(api, body, encoding)

    assert response.status_code == 200
    assert Contact.objects.get().name == "Anna"


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        pytest.param(BODY, "br", 415, id="unsupported"),
        pytest.param(gzip.compress(BODY), "gzip, gzip", 415, id="twice"),
        pytest.param(BODY, "gzip", 400, id="not compressed"),
        pytest.param(gzip.compress(BODY)[:-9], "gzip", 400, id="truncated"),
        pytest.param(b"", "gzip", 400, id="empty"),
        pytest.param(gzip.compress(b"") * 200, "gzip", 400, id="many members"),
        pytest.param(
            gzip.compress(b" " * (django_settings.API_MAX_BODY_BYTES + 1)),
            "gzip",
            413,
            id="too large when decoded",
        ),
    ],
)
def test_encoded_body_is_rejected(
    api: Api, body: bytes, encoding: str, status: int
) -> None:
    response = send(api, body, encoding)

    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    supported = response.headers.get("Accept-Encoding", "")
    assert supported == ("gzip, deflate" if status == 415 else "")
    assert not Contact.objects.exists()


# --- the token endpoint -------------------------------------------------------


def oauth_post(data: Any, **options: Any) -> Any:
    return Client().post(OAUTH, data, **options)


def test_multipart_form_is_accepted_at_the_token_endpoint(
    registered: Any,  # noqa: F811
    code: str,  # noqa: F811
) -> None:
    response = oauth_post(by_code(registered, code))

    assert response.status_code == 200


def test_encoded_form_is_accepted_at_the_token_endpoint(
    registered: Any,  # noqa: F811
    code: str,  # noqa: F811
) -> None:
    response = oauth_post(
        gzip.compress(urlencode(by_code(registered, code)).encode()),
        content_type="application/x-www-form-urlencoded",
        headers={"Content-Encoding": "gzip"},
    )

    assert response.status_code == 200


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("&".join(["a=1"] * 1001), "application/x-www-form-urlencoded", 400),
        ("no parts", "multipart/form-data; boundary=x", 400),
        ("no boundary", "multipart/form-data", 400),
        ("<a/>", "application/xml", 415),
    ],
)
def test_unreadable_form_has_a_hint(
    db: None, body: str, kind: str, status: int
) -> None:
    response = oauth_post(body, content_type=kind)

    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["hint"]


def test_file_in_a_form_is_ignored_at_the_token_endpoint(db: None) -> None:
    part = "--x\r\nContent-Disposition: form-data; name=a; filename=a\r\n\r\nA\r\n--x--"

    response = oauth_post(part, content_type="multipart/form-data; boundary=x")

    assert response.status_code == 400
    assert "grant type" in response.json()["detail"]


def test_domain_of_the_account_is_returned(
    account: Account,
    api: Api,
    registered: Any,  # noqa: F811
    code: str,  # noqa: F811
    settings: Settings,
) -> None:
    settings.BASE_URL = "https://links.shop.example:8443"
    pair = oauth_post(by_code(registered, code)).json()
    headers = {"X-Refresh-Token": pair["refresh_token"]}

    by_access: Any = api.get("/oauth2/account/subdomain")
    by_refresh: Any = Api(None).get("/oauth2/account/current/subdomain", **headers)

    assert by_access.json() == {
        "id": account.id,
        "subdomain": account.subdomain,
        "domain": "links.shop.example:8443",
        "top_level_domain": "example",
    }
    assert by_refresh.json() == by_access.json()


@pytest.mark.parametrize("token", ["", "unknown", "\ud800"])
def test_domain_needs_an_unused_refresh_token(db: None, token: str) -> None:
    response: Any = Api(None).get(
        "/oauth2/account/current/subdomain", **{"X-Refresh-Token": token}
    )

    assert response.status_code == 401
    assert response.json()["hint"]


# --- Authorization ------------------------------------------------------------


@pytest.mark.parametrize("header", ["Basic YTpi", "Token abc", "eyJhbGciOiJIUzI1NiJ9"])
def test_other_scheme_is_named_as_the_error(db: None, header: str) -> None:
    response: Any = Api(None).get(ACCOUNT, Authorization=header)

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert "scheme" in response.json()["detail"]
    assert header.split()[-1] not in response.json()["detail"]


@pytest.mark.parametrize("added", ["=", "==", "!", "*"])
def test_token_has_one_spelling(admin: User, added: str) -> None:
    token = factories.token(admin)

    response = Api(None).get(
        ACCOUNT, Authorization=f"Bearer {token[:-1]}{added}{token[-1]}"
    )

    assert response.status_code == 401


def test_unused_bits_of_the_signature_are_zero(admin: User) -> None:
    token = factories.token(admin)
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    spelling = token[:-1] + digits[digits.index(token[-1]) + 1]

    assert Api(token).get(ACCOUNT).status_code == 200
    assert Api(spelling).get(ACCOUNT).status_code == 401


# --- rate limits, choices -----------------------------------------------------


def test_successful_response_has_the_rate_limit(api: Api, settings: Settings) -> None:
    settings.API_RATE_LIMIT_PER_TOKEN = 30
    settings.API_RATE_LIMIT_PER_ACCOUNT = 20

    response = api.get(ACCOUNT)

    assert response.status_code == 200
    assert response.headers["RateLimit-Limit"] == "20"
    assert response.headers["RateLimit-Remaining"] == "19"
    assert response.headers["RateLimit-Reset"] == "1"


def test_unlimited_response_has_no_rate_limit(api: Api) -> None:
    assert "RateLimit-Limit" not in api.get(ACCOUNT).headers


def test_invalid_choice_lists_the_choices(account: Account, api: Api) -> None:
    contact = factories.contact(account)

    response: Any = api.patch(
        f"{CONTACTS}/{contact.entity_id}", {"tracking_consent": "maybe"}
    )

    [errors] = response.json()["validation-errors"]
    detail = errors["errors"][0]["detail"]
    assert detail == (
        "The value you selected is not a valid choice."
        " Choose one of: unknown, granted, denied."
    )
