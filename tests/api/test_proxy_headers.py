"""Links use the host from the client's request, if a trusted proxy forwards it."""

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
        pytest.param("10.0.0.1", FORWARDED, "https://crm.example:8443", id="trusted"),
        pytest.param("192.0.2.1", FORWARDED, "http://testserver", id="untrusted"),
        pytest.param("10.0.0.1", {}, "http://testserver", id="no headers"),
        pytest.param(
            "10.0.0.1",
            {"X-Forwarded-Host": "evil.example, crm.example"},
            "http://crm.example",
            id="nearest proxy",
        ),
        pytest.param(
            "10.0.0.1", {"X-Forwarded-Proto": "ftp"}, "http://testserver", id="scheme"
        ),
    ],
)  # fmt: skip
def test_forwarded_headers_are_used_from_trusted_proxies_only(
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


def test_forwarded_headers_are_ignored_by_default(account: Account, api: Api) -> None:
    factories.contact(account)

    assert self_href(api, "127.0.0.1", FORWARDED) == "http://testserver"


def test_forwarded_host_is_rejected_if_not_allowed(
    account: Account, settings: Settings, api: Api
) -> None:
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    headers = {"X-Forwarded-Host": "evil.example"}

    response: Any = api.send("GET", PATH, headers=headers, REMOTE_ADDR="10.0.0.1")

    assert response.status_code == 400


def test_list_of_1000_contacts_is_complete_when_following_next(
    account: Account, settings: Settings, api: Api
) -> None:
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    Contact.objects.bulk_create(
        Contact(account=account, entity_id=n, name=str(n)) for n in range(1, 1001)
    )
    ids: list[int] = []
    href = f"https://crm.example:8443{PATH}?limit=99"
    while href:
        parts = urlsplit(href)
        assert (parts.scheme, parts.netloc) == ("https", "crm.example:8443")
        path = f"{parts.path}?{parts.query}"
        page: Any = api.send("GET", path, headers=FORWARDED, REMOTE_ADDR="10.0.0.1")
        ids += [contact["id"] for contact in page.json()["_embedded"]["contacts"]]
        href = page.json()["_links"].get("next", {}).get("href", "")

    assert ids == list(range(1, 1001))
