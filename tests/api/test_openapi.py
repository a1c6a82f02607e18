"""The document matches the API: all routes, the right scopes, working examples."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.urls import URLPattern, URLResolver, get_resolver
from openapi_spec_validator import validate

from shortlinks.api import problems
from shortlinks.api.gates import CONTEXT_USER, Scopes
from shortlinks.api.openapi import schemas, service, short_links
from shortlinks.api.openapi.document import document, operations
from shortlinks.api.openapi.operations import PATH_PARAMETERS, Operation
from shortlinks.api.resources.fields import CONTACT, LINK
from shortlinks.api.views import PublicView
from shortlinks.models import Account, ApiToken
from tests import factories, openapi_examples
from tests.conftest import Api

CHANGELOG = (Path(settings.BASE_DIR) / "docs" / "api-changelog.md").read_text()
DOCUMENT = document()
STRICT = openapi_examples.closed_document()
DOCUMENTED = re.compile(r"(api/v4/|oauth2/|healthz$|readyz$)")
Views = dict[tuple[str, str], Any]


def operation_case(operation: Operation) -> pytest.ParameterSet:
    return pytest.param(operation, id=operation.id)


def routes(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Views:
    """Return the views by path and method."""
    views: Views = {}
    for pattern in patterns:
        route = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            views |= routes(pattern.url_patterns, route)
        elif DOCUMENTED.match(route):
            path = "/" + re.sub(r"<id:(\w+)>", r"{\1}", route)
            view = getattr(pattern.callback, "view_class", pattern.callback)
            views |= {(path, method): view for method in methods(view)}
    return views


def methods(view: Any) -> list[str]:
    """Return the methods of a view without HEAD. A plain function has GET."""
    if not hasattr(view, "http_method_names"):
        return ["GET"]
    allowed = set(view.http_method_names) - {"head", "options"}
    return [method.upper() for method in allowed if hasattr(view, method)]


def test_version_is_the_newest_of_the_changelog() -> None:
    versions = re.findall(r"^## (\S+)$", CHANGELOG, re.MULTILINE)

    assert DOCUMENT["info"]["version"] == versions[0]


def test_document_is_valid_openapi_3_1() -> None:
    validate(DOCUMENT)

    assert DOCUMENT["openapi"].startswith("3.1.")


def test_routes_and_operations_match() -> None:
    served = routes(get_resolver().url_patterns).keys()
    described = {(each.path, each.method) for each in operations()}

    assert not served - described, (
        f"routes without an Operation: {sorted(served - described)}; add them to the"
        " module of their subject in shortlinks/api/openapi/ (a new one is listed in"
        " document.SUBJECTS)"
    )
    assert not described - served, (
        f"operations without a route: {sorted(described - served)}"
    )
    assert len(described) == len(operations())
    assert len({each.id for each in operations()}) == len(operations())


@pytest.mark.parametrize("operation", [operation_case(each) for each in operations()])
def test_operation_has_the_scope_of_its_view(operation: Operation) -> None:
    view = routes(get_resolver().url_patterns)[operation.path, operation.method]
    scopes: dict[str, Scopes] = getattr(view, "scopes", {})

    assert scopes.get(operation.method) == operation.scope
    is_public = not isinstance(view, type) or issubclass(view, PublicView)
    assert operation.needs_token is not is_public


@pytest.mark.parametrize(
    "media",
    [
        pytest.param(media, id=place)
        for place, media in openapi_examples.media_types(DOCUMENT)
    ],
)
def test_example_is_valid_against_its_schema(media: dict[str, Any]) -> None:
    openapi_examples.validate(media["example"], media["schema"], of=STRICT)


def send_example(operation: Operation, **changes: Any) -> HttpResponse:
    """Send the example request of the document, with changes to its item."""
    api = Api(factories.token(openapi_examples.create_rows().admin))
    path = re.sub(
        r"{(\w+)}",
        lambda m: str(schemas.example(PATH_PARAMETERS[m[1]])),
        operation.path,
    )
    body = b"" if operation.body is None else json.dumps(example(operation, changes))
    headers = {"X-Refresh-Token": openapi_examples.REFRESH_TOKEN}
    kind = "application/json"
    return api.send(
        operation.method, path, data=body, content_type=kind, headers=headers
    )


def example(operation: Operation, changes: dict[str, Any]) -> Any:
    assert operation.body is not None
    if changes:
        return {**schemas.example(item(operation)), **changes}
    return schemas.example(operation.body)


def item(operation: Operation) -> dict[str, Any]:
    """Return the schema of the body, or that of one item of a batch."""
    body = operation.body or {}
    either: list[dict[str, Any]] = body.get("oneOf", [body])
    return either[-1]


def optional_keys(operation: Operation) -> set[str]:
    schema = item(operation)
    return set(schema.get("properties", ())) - set(schema.get("required", ()))


@pytest.mark.parametrize(
    "operation", [operation_case(each) for each in operations() if optional_keys(each)]
)
def test_optional_keys_may_be_null(db: None, operation: Operation) -> None:
    nothing: dict[str, Any] = dict.fromkeys(optional_keys(operation))

    response = send_example(operation, **nothing)

    assert response.status_code == operation.response.status, response.content
    body = example(operation, nothing)
    openapi_examples.validate(body, item(operation), of=DOCUMENT)


@pytest.mark.parametrize(
    "operation",
    [
        operation_case(each)
        for each in operations()
        if "request_id" in optional_keys(each)
    ],
)
def test_request_id_may_be_a_number(db: None, operation: Operation) -> None:
    response = send_example(operation, request_id=7)

    assert response.status_code == operation.response.status, response.content
    body = example(operation, {"request_id": 7})
    openapi_examples.validate(body, item(operation), of=DOCUMENT)


@pytest.mark.parametrize(
    "operation", [operation_case(each) for each in operations() if each.response.schema]
)
def test_example_request_gets_the_described_response(
    db: None, operation: Operation
) -> None:
    shown = STRICT["paths"][operation.path][operation.method.lower()]
    status = str(operation.response.status)
    [(media_type, media)] = shown["responses"][status]["content"].items()

    response = send_example(operation)

    assert str(response.status_code) == status, response.getvalue()
    assert response.headers["Content-Type"].partition(";")[0] == media_type
    openapi_examples.validate(decode(response), media["schema"], of=STRICT)


@pytest.mark.parametrize(
    "operation",
    [operation_case(each) for each in operations() if not each.response.schema],
)
def test_operation_without_schema_returns_204(db: None, operation: Operation) -> None:
    response = send_example(operation)

    assert (response.status_code, response.content) == (204, b"")


@pytest.mark.parametrize("path", ["short_links", "webhooks"])
def test_url_that_only_browsers_accept_is_as_described(
    db: None, api: Api, path: str
) -> None:
    """Browsers open URLs with characters that no URI or IRI may contain."""
    account, url = Account.objects.get(), "https://shop.example/a|b{c}[d]^`"
    factories.link(factories.contact(account), url)
    factories.webhook(account, url)

    response = api.get(f"/api/v4/{path}")

    operation = STRICT["paths"][f"/api/v4/{path}"]["get"]
    media = operation["responses"]["200"]["content"]["application/hal+json"]
    assert url in response.content.decode()
    openapi_examples.validate(decode(response), media["schema"], of=STRICT)


def decode(response: HttpResponse) -> Any:
    text = response.getvalue().decode()  # some are streamed
    is_json = "json" in response.headers["Content-Type"]
    return json.loads(text) if is_json else text


def has_query(operation: Operation) -> bool:
    return any(each["in"] == "query" for each in operation.parameters)


@pytest.mark.parametrize(
    "operation",
    [operation_case(each) for each in operations() if has_query(each)],
)
def test_list_accepts_every_described_parameter(db: None, operation: Operation) -> None:
    api = Api(factories.token(openapi_examples.create_rows().admin))
    path = operation.path.replace("{entity_id}", str(CONTACT))

    urls = [
        f"{path}?{urlencode({each['name']: valid_value(each['schema'])})}"
        for each in operation.parameters
    ]

    answers = {url: api.get(url).status_code for url in urls}
    assert {url for url, status in answers.items() if status not in {200, 204}} == set()
    assert len(answers) == len(operation.parameters)


def valid_value(schema: dict[str, Any]) -> str:
    """Return a value that the schema allows."""
    inner = schema.get("items", schema)
    inner = inner.get("oneOf", [inner])[0]
    return str(inner.get("enum", [inner.get("minimum", "a")])[0])


LINKS = "/api/v4/short_links"
ONE = f"{LINKS}/{{link_id}}"
ERRORS: dict[int, Callable[[Api], HttpResponse]] = {
    400: lambda api: api.post(LINKS, [{"url": 1}]),
    401: lambda api: api.get(LINKS, Authorization="Bearer nonsense"),
    403: lambda api: api.get(LINKS, **{CONTEXT_USER: "404"}),
    404: lambda api: api.get(f"{LINKS}/404"),
    405: lambda api: api.send("PUT", LINKS),
    408: lambda api: problems.render(problems.Problem(408, problems.DETAILS[408])),
    413: lambda api: api.send("POST", LINKS, data=b" " * 5_000_000),
    415: lambda api: api.send("POST", LINKS, data=b"{}", content_type="text/plain"),
    500: lambda api: problems.render(RuntimeError()),
    503: lambda api: problems.render(problems.database_unavailable()),
}


@pytest.mark.parametrize("status", ERRORS)
def test_error_response_is_as_described(db: None, status: int) -> None:
    api = Api(factories.token(openapi_examples.create_rows().admin))

    response = ERRORS[status](api)

    assert_described(response, status, ONE, "patch")


def test_conflict_is_as_described(db: None) -> None:
    api = Api(factories.token(openapi_examples.create_rows().admin))
    path = f"{LINKS}/{LINK}"
    api.patch(path, {"is_disabled": True})
    api.post(LINKS, [schemas.example(short_links.LINK_REQUEST)])

    response = api.patch(path, {"is_disabled": False})

    assert_described(response, 409, ONE, "patch")


def test_too_many_requests_are_as_described(db: None) -> None:
    token = factories.token(openapi_examples.create_rows().admin)
    ApiToken.objects.update(rate=1)

    responses = [Api(token).get(LINKS) for _ in range(20)]

    refused = [each for each in responses if each.status_code == 429]
    assert responses[0].status_code == 200
    assert_described(refused[0], 429, LINKS, "get")


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [("code", "nonsense", 400), ("client_secret", "nonsense", 401)],
)
def test_rejected_grant_is_as_described(
    anonymous: Api, field: str, value: str, status: int
) -> None:
    openapi_examples.create_rows()
    grant = {**schemas.example(service.CODE_GRANT), field: value}

    response = anonymous.post("/oauth2/access_token", grant)

    assert_described(response, status, "/oauth2/access_token", "post")


@pytest.mark.parametrize("path", ["/oauth2/access_token", "/oauth2/revoke"])
@pytest.mark.parametrize("status", [405, 408, 429, 500, 503])
def test_other_errors_of_the_token_endpoint_are_as_described(
    path: str, status: int
) -> None:
    headers = {"Allow": "POST", "Retry-After": "1"}
    error = problems.Problem(status, "A detail.", headers=headers)

    response = problems.render(error, path)

    assert_described(response, status, path, "post")


def assert_described(
    response: HttpResponse, status: int, path: str, method: str
) -> None:
    """Check the response against the error response that the operation describes."""
    assert response.status_code == status, response.content
    reference = STRICT["paths"][path][method]["responses"][str(status)]["$ref"]
    described = STRICT["components"]["responses"][reference.rpartition("/")[2]]
    [(media_type, media)] = described["content"].items()
    assert response.headers["Content-Type"] == media_type
    openapi_examples.validate(decode(response), media["schema"], of=STRICT)
    for name, header in described.get("headers", {}).items():
        openapi_examples.validate(response.headers[name], header["schema"], of=STRICT)


def test_document_is_public_and_cacheable(anonymous: Api) -> None:
    response = anonymous.get("/api/v4/openapi.json")
    again = anonymous.get(
        "/api/v4/openapi.json", **{"If-None-Match": response.headers["ETag"]}
    )

    assert json.loads(response.content) == DOCUMENT
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "public, max-age=300"
    assert (again.status_code, again.content) == (304, b"")


def test_docs_page_loads_only_our_own_files(anonymous: Api) -> None:
    page = anonymous.get("/api/docs")

    html = page.content.decode()
    files = re.findall(r'(?:src|href)="(/[^"]+)"', html)
    answers = [status_of(anonymous, path) for path in files]
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none';")
    assert not re.search(r"(src|href)=\"(https?:)?//|<script>|<style|unsafe", html)
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert answers == [200] * len(files)
    assert len(files) >= 4


def status_of(anonymous: Api, path: str) -> int:
    response = anonymous.get(path)
    response.close()
    return response.status_code
