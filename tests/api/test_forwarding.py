"""Hrefs have the host the client used, as far as a proxy of ours tells it."""

from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

import pytest
from pytest_django import Settings

from shortlinks.models import Account, Contact
from tests import factories
from tests.conftest import Api

PATH = "/api/v4/contacts"
FORWARDED = {"X-Forwarded-Host": "crm.example:8443", "X-Forwarded-Proto": "https"}


@pytest.fixture(autouse=True)
def hosts(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["testserver", "crm.example"]


def self_href(api: Api, peer: str, headers: dict[str, str]) -> str:
    response: Any = api.send("GET", PATH, headers=headers, REMOTE_ADDR=peer)
    href = response.json()["_links"]["self"]["href"]
    assert isinstance(href, str)
    return href.partition(PATH)[0]


@pytest.mark.parametrize(
    ("peer", "headers", "origin"),
    [
        pytest.param("10.0.0.1", FORWARDED, "https://crm.example:8443", id="ours"),
        pytest.param("192.0.2.1", FORWARDED, "http://testserver", id="a stranger"),
        pytest.param("10.0.0.1", {}, "http://testserver", id="nothing said"),
        pytest.param(
            "10.0.0.1",
            {"X-Forwarded-Host": "evil.example, crm.example"},
            "http://crm.example",
            id="the nearest counts",
        ),
        pytest.param(
            "10.0.0.1", {"X-Forwarded-Proto": "gopher"}, "http://testserver", id="none"
        ),
    ],
)  # fmt: skip
def test_a_proxy_is_believed_if_it_is_ours(
    account: Account,
    settings: Settings,
    api: Api,
    peer: str,
    headers: dict[str, str],
    origin: str,
) -> None:
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    factories.contact(account)

    assert self_href(api, peer, headers) == origin


def test_nobody_is_believed_by_default(account: Account, api: Api) -> None:
    factories.contact(account)

    assert self_href(api, "127.0.0.1", FORWARDED) == "http://testserver"


def test_a_forwarded_host_must_be_allowed_too(
    account: Account, settings: Settings, api: Api
) -> None:
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    headers = {"X-Forwarded-Host": "evil.example"}

    response: Any = api.send("GET", PATH, headers=headers, REMOTE_ADDR="10.0.0.1")

    assert response.status_code == 400


def test_1000_contacts_are_walked_by_following_next(
    account: Account, settings: Settings, api: Api
) -> None:
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    Contact.objects.bulk_create(
        Contact(account=account, entity_id=n, name=str(n)) for n in range(1, 1001)
    )
    seen: list[int] = []
    href = f"https://crm.example:8443{PATH}?limit=99"
    while href:
        parts = urlsplit(href)
        assert (parts.scheme, parts.netloc) == ("https", "crm.example:8443")
        path = f"{parts.path}?{parts.query}"
        page: Any = api.send("GET", path, headers=FORWARDED, REMOTE_ADDR="10.0.0.1")
        seen += [contact["id"] for contact in page.json()["_embedded"]["contacts"]]
        href = page.json()["_links"].get("next", {}).get("href", "")

    assert seen == list(range(1, 1001))
