"""Every error is problem+json and changes nothing (docs/contract.md)."""

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import OperationalError

from shortlinks.api import database_breaker, problems
from shortlinks.models import Account, ShortLink, User
from tests import factories
from tests.api.conftest import Connect
from tests.conftest import Api

PATH = "/api/v4/short_links"
METADATA = {"entity_type": "contacts", "entity_id": 1}


@pytest.fixture
def caller(connect: Connect) -> Callable[[User], Api]:
    return lambda user: connect(factories.token(user))


def item(**fields: object) -> dict[str, object]:
    return {"url": factories.URL, "metadata": METADATA, **fields}


def problem(response: Any) -> dict[str, Any]:
    assert response.headers["Content-Type"] == "application/problem+json"
    body = response.json()
    assert body["type"] == f"https://httpstatus.es/{response.status_code}"
    assert body["status"] == response.status_code
    assert isinstance(body["title"], str)
    assert isinstance(body["detail"], str)
    return dict(body)


def only_error(response: Any) -> tuple[str, str]:
    [errors] = problem(response)["validation-errors"]
    [error] = errors["errors"]
    return error["code"], error["path"]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"  \n", "empty", id="blank"),
        pytest.param(b"[", "JSON", id="torn"),
        pytest.param(b'"text"', "list of objects", id="text"),
        pytest.param(b"null", "list of objects", id="null"),
        pytest.param(b"[]", "empty", id="empty list"),
        pytest.param(b"[" * 100_000, "JSON", id="deep"),
        pytest.param(b'[{"url": NaN}]', "JSON", id="nan"),
        pytest.param(b'["\xff"]', "JSON", id="not utf-8"),
        pytest.param(b"1" * 10_000, "", id="a huge number"),
    ],
)
def test_body_that_is_not_a_batch_is_400(api: Api, body: bytes, named: str) -> None:
    response = api.send("POST", PATH, data=body, content_type="application/json")

    assert response.status_code == 400
    assert named in problem(response)["detail"]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        pytest.param({"url": None}, ("InvalidType", "url"), id="url null"),
        pytest.param({"url": 5}, ("InvalidType", "url"), id="url number"),
        pytest.param({"url": ""}, ("InvalidUrl", "url"), id="url empty"),
        pytest.param({"url": "x" * 2049}, ("TooLong", "url"), id="url long"),
        pytest.param(
            {"url": "https://127.0.0.1/"}, ("UnsafeUrl", "url"), id="url private"
        ),
        pytest.param({"metadata": []}, ("InvalidType", "metadata"), id="metadata list"),
        pytest.param(
            {"metadata": {"entity_type": "contacts"}},
            ("FieldMissing", "metadata.entity_id"),
            id="no entity_id",
        ),
        pytest.param(
            {"metadata": {"entity_id": 1}},
            ("FieldMissing", "metadata.entity_type"),
            id="no entity_type",
        ),
        pytest.param(
            {"metadata": {"entity_type": "leads", "entity_id": 1}},
            ("NotSupportedChoice", "metadata.entity_type"),
            id="leads",
        ),
        *[
            pytest.param(
                {"metadata": {"entity_type": "contacts", "entity_id": value}},
                ("InvalidType", "metadata.entity_id"),
                id=f"entity_id {value!r}",
            )
            for value in ["5", 5.0, True, None, 0, -1, 2**63, [1]]
        ],
        pytest.param(
            {"request_id": []}, ("InvalidType", "request_id"), id="request_id"
        ),
    ],
)
def test_field_with_an_error_is_named(
    api: Api, fields: dict[str, object], error: tuple[str, str]
) -> None:
    response = api.post(PATH, [item(**fields)])

    assert response.status_code == 400
    assert only_error(response) == error


@pytest.mark.parametrize(
    ("value", "detail"),
    [
        ("5", "This value should be of type int."),
        *(
            (id_, "This value should be an integer from 1 to 9223372036854775807.")
            for id_ in [0, -1, 2**63, 10**22]
        ),
    ],
)
def test_id_error_names_the_type_or_the_range(
    api: Api, value: object, detail: str
) -> None:
    metadata = {"entity_type": "contacts", "entity_id": value}

    response = api.post(PATH, [item(metadata=metadata)])

    [error] = problem(response)["validation-errors"][0]["errors"]
    assert error == {
        "code": "InvalidType",
        "path": "metadata.entity_id",
        "detail": detail,
    }


def test_all_errors_of_all_items_are_listed(account: Account, api: Api) -> None:
    contact = factories.contact(account)
    good = item(metadata={"entity_type": "contacts", "entity_id": contact.entity_id})

    response = api.post(
        PATH, [good, {"request_id": "mine"}, item(url=1, metadata={}), 7]
    )

    missing = "This field is missing."
    assert problem(response)["validation-errors"] == [
        {
            "request_id": "mine",
            "errors": [
                {"code": "FieldMissing", "path": "url", "detail": missing},
                {"code": "FieldMissing", "path": "metadata", "detail": missing},
            ],
        },
        {
            "request_id": "2",
            "errors": [
                {
                    "code": "InvalidType",
                    "path": "url",
                    "detail": "This value should be of type string.",
                },
                {
                    "code": "FieldMissing",
                    "path": "metadata.entity_type",
                    "detail": missing,
                },
                {
                    "code": "FieldMissing",
                    "path": "metadata.entity_id",
                    "detail": missing,
                },
            ],
        },
        {
            "request_id": "3",
            "errors": [
                {
                    "code": "InvalidType",
                    "path": "",
                    "detail": "This value should be of type object.",
                }
            ],
        },
    ]
    assert not ShortLink.objects.exists()


def test_more_than_250_items_are_400_with_the_limit(api: Api) -> None:
    response = api.post(PATH, [item()] * 251)

    assert response.status_code == 400
    assert "250" in problem(response)["detail"]
    assert only_error(response) == ("TooMany", "")


def test_body_over_four_megabytes_is_413(api: Api) -> None:
    body = json.dumps([item(url="x" * 4 * 1024 * 1024)])

    response = api.send("POST", PATH, data=body, content_type="application/json")

    assert response.status_code == 413
    problem(response)


def test_250_urls_of_the_maximum_length_are_accepted(
    account: Account, api: Api
) -> None:
    contact = factories.contact(account)
    longest = "https://shop.example/" + "я" * (2048 - 21)
    orders = [
        item(
            url=longest[:-4] + f"{number:04}",
            metadata={"entity_type": "contacts", "entity_id": contact.entity_id},
        )
        for number in range(250)
    ]

    response = api.post(PATH, orders)

    assert response.status_code == 200
    assert ShortLink.objects.count() == 250


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml"])
def test_body_of_another_type_is_415(api: Api, media_type: str) -> None:
    response = api.send("POST", PATH, data=b"[]", content_type=media_type)

    assert response.status_code == 415
    problem(response)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v4/nothing", 404),
        ("POST", "/api/v4/short_links/", 404),
        ("GET", "/api/", 404),
        ("GET", "/api", 404),
        ("GET", "/oauth2", 404),
        ("GET", "/api/v4/contacts?" + "&".join(f"a{n}=1" for n in range(2000)), 400),
        ("GET", "/api/v4/contacts/999999999999999999999999", 404),
        ("GET", "/api/v4/contacts/1", 404),
        ("POST", "/oauth2/account/subdomain", 405),
        ("OPTIONS", "/api/v4/short_links", 405),
        ("PUT", "/api/v4/contacts", 405),
        ("GET", "/api/v4/contacts?limit=0", 400),
        ("GET", "/api/v4/contacts?page=0", 400),
        ("GET", "/api/v4/contacts?page=x", 400),
    ],
)
def test_unknown_route_or_page_is_a_problem(
    api: Api, method: str, path: str, status: int
) -> None:
    response = api.send(method, path)

    assert response.status_code == status
    problem(response)


def test_unknown_host_is_a_problem(api: Api, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["shop.example"]

    response = api.get("/api/v4/account", Host="evil.example")

    assert response.status_code == 400
    problem(response)


@pytest.mark.parametrize("path", ["/oauth2/access_token", "//oauth2//revoke"])
@pytest.mark.parametrize(
    ("method", "host", "status"),
    [
        ("GET", "shop.example", 405),
        ("OPTIONS", "shop.example", 405),
        ("POST", "evil.example", 400),
        ("POST", "shop.example", 500),
    ],
)
def test_error_of_the_token_endpoint_has_a_hint(
    anonymous: Api,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
    method: str,
    host: str,
    status: int,
    path: str,
) -> None:
    settings.ALLOWED_HOSTS = ["shop.example"]
    monkeypatch.setattr("shortlinks.api.oauth._read", None)

    response: Any = anonymous.send(
        method, f"http://testserver{path}", headers={"Host": host}
    )

    error = response.json()
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    assert error.keys() == {"hint", "title", "type", "status", "detail"}
    assert error["type"] == problems.OAUTH_TYPE


def test_problem_is_in_english_for_all_languages(anonymous: Api) -> None:
    response = anonymous.get("/api/v4/account", **{"Accept-Language": "ru"})

    assert "credentials" in problem(response)["detail"]


def test_bug_is_500_without_internals_and_logged_with_them(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("shortlinks.api.hal.short_links", None)

    response = api.post(PATH, [item()])

    assert response.status_code == 500
    assert "NoneType" not in problem(response)["detail"]
    errors = [r.exc_info for r in caplog.records if r.levelname == "ERROR"]
    assert any("NoneType" in str(error[1]) for error in errors if error)


@pytest.mark.parametrize(
    "code",
    ["40P01", "40001", "55P03", "57014"],
    ids=["deadlock", "serialization", "lock", "timeout"],
)
def test_repeatable_database_error_leaves_the_breaker_closed(code: str) -> None:
    error = OperationalError()
    error.__cause__ = psycopg.errors.lookup(code)()

    assert problems.render(error).status_code == 503
    assert not database_breaker.breaker.is_open


def test_token_without_the_scope_is_403(admin: User, connect: Connect) -> None:
    api = connect(factories.token(admin, scopes=["contacts:read"]))

    response = api.post(PATH, [item()])

    assert response.status_code == 403
    assert problem(response)["detail"] == "Invalid scope"


def test_head_without_the_scope_of_get_is_403(account: Account, admin: User) -> None:
    api = Api(factories.token(admin, scopes=["links:write"]))

    assert api.send("HEAD", "/api/v4/contacts").status_code == 403


@pytest.mark.parametrize("value", ["0", "x", "999999", "9" * 30, "-1", ""])
def test_unknown_context_user_is_403(api: Api, value: str) -> None:
    response = api.post(PATH, [item()], **{"X-Context-User-ID": value})

    assert response.status_code == 403
    problem(response)


def test_manager_may_not_act_for_others(
    admin: User, manager: User, caller: Callable[[User], Api]
) -> None:
    response = caller(manager).post(
        PATH, [item()], **{"X-Context-User-ID": str(admin.id)}
    )

    assert response.status_code == 403
    problem(response)
