"""Origins, bodies and limits of requests to `/pixel/v1/identify`."""

import time

import httpx
import pytest

from shortlinks.models import (
    Account,
    Redemption,
)
from tests import factories
from tests.redirects import customer_pages
from tests.redirects.customer_pages import Page


@pytest.fixture
def click(visitor: httpx.Client, account: Account, page: Page) -> str:
    url = f"{page.site.origin}/sale"
    link = factories.link(factories.contact(account), url)
    return customer_pages.open_with_token(visitor, link)


COMMON = {
    "x-content-type-options": "nosniff",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "content-security-policy": "default-src 'none'; form-action 'none';"
    " base-uri 'none'; frame-ancestors 'none'",
}


def headers_of(response: httpx.Response) -> dict[str, str]:
    skipped = {"date", "server", "content-length"}
    return {k: v for k, v in response.headers.items() if k not in skipped}


def test_response_is_readable_for_the_origin_without_cookies(
    page: Page, click: str
) -> None:
    response = page.identify(click=click)

    assert headers_of(response) == {
        "content-type": "application/json",
        "cache-control": "no-store",
        **COMMON,
        "vary": "Origin",
        "access-control-allow-origin": page.site.origin,
    }


def test_preflight_allows_the_request_of_the_script(page: Page) -> None:
    headers = {
        "Origin": page.site.origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }

    response = page.browser.options(customer_pages.PATH, headers=headers)

    assert response.status_code == 204
    assert "content-length" not in response.headers  # RFC 9110, section 8.6
    assert headers_of(response) == {
        **COMMON,
        "vary": "Origin",
        "access-control-allow-origin": page.site.origin,
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": "content-type",
        "access-control-max-age": "600",
    }


ELSEWHERE = ["https://evil.example", "null", "http://{host}", "https://{host}:8443"]


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_request_from_another_origin_is_403(
    page: Page, click: str, elsewhere: str
) -> None:
    origin = elsewhere.format(host=page.site.origin.removeprefix("https://"))
    page.origin = origin

    response = page.identify(click=click)

    assert (response.status_code, response.json()) == (403, {"error": "unknown_site"})
    assert response.headers["vary"] == "Origin"
    assert "access-control-allow-origin" not in response.headers
    assert not Redemption.objects.exists()
    preflight = page.browser.options(customer_pages.PATH, headers={"Origin": origin})
    assert preflight.status_code == 403
    assert headers_of(preflight) == {**COMMON, "vary": "Origin"}


def test_request_with_the_key_of_another_site_is_403(
    visitor: httpx.Client, page: Page, click: str, account: Account
) -> None:
    page.origin = customer_pages.wait_for_site(visitor, factories.site(account)).origin

    response = page.identify(click=click)

    assert (response.status_code, response.json()) == (403, {"error": "unknown_site"})
    assert response.headers["access-control-allow-origin"] == page.origin


def test_request_with_an_unknown_site_key_is_403(page: Page, click: str) -> None:
    response = page.identify(site_key="0" * 24, click=click)

    assert response.status_code == 403


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_other_methods_are_405(visitor: httpx.Client, method: str) -> None:
    response = visitor.request(method, customer_pages.PATH)

    assert (response.status_code, response.headers["allow"]) == (405, "POST, OPTIONS")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 4000,
        b'{"site_key": 1}',
        b'{"site_key": "a", "click": 1}',
        b'{"site_key": "a", "gesture": "yes"}',
        b'{"site_key": "a", "visitor_uid": "\\ud800"}',
        b'{"site_key": "a", "visitor_uid": "a\\u0000"}',
    ],
    ids=repr,
)
def test_invalid_body_is_400(page: Page, body: bytes) -> None:
    response = page.post(body)

    assert (response.status_code, response.json()) == (400, {"error": "malformed"})
    assert response.headers["access-control-allow-origin"] == page.site.origin


def test_too_long_body_is_413(page: Page) -> None:
    response = page.post(b'{"site_key": "' + b"a" * 5000 + b'"}')

    assert (response.status_code, response.json()) == (413, {"error": "too_long"})


def test_requests_are_limited_for_each_address(page: Page) -> None:
    statuses = [page.identify().status_code for _ in range(31)]

    assert statuses == [200] * 30 + [429]
    refused = page.identify()
    assert refused.json() == {"error": "too_many"}
    assert refused.headers["access-control-allow-origin"] == page.site.origin
    page.address = customer_pages.new_address()
    assert page.identify().status_code == 200


def test_requests_are_limited_for_each_ipv6_network(page: Page) -> None:
    network = f"2001:db8:{int(time.time()) % 65536:x}:7::"
    statuses = []
    for number in range(31):
        page.address = f"{network}{number + 1:x}"
        statuses.append(page.identify().status_code)

    assert statuses == [200] * 30 + [429]
