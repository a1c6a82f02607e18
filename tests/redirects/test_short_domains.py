"""Short domains of accounts, over HTTP."""

import asyncio
import threading
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from django.conf import settings
from django.utils import timezone

from shortlinks.domain.circuit_breaker import CircuitBreaker
from shortlinks.domain.links import short_domains
from shortlinks.domain.links.short_domains import NotVerified
from shortlinks.domain.pixels.browser_ids import BrowserIds
from shortlinks.domain.postgres import queries
from shortlinks.models import Account, ShortDomain, ShortLink
from shortlinks.redirects.database import Connection, GuardedConnection
from shortlinks.redirects.host_registry import HostRegistry
from shortlinks.redirects.pixel_cookies import PixelCookies
from tests import factories
from tests.conftest import Api
from tests.redirects import customer_pages

HSTS = "strict-transport-security"


@pytest.fixture
def other_link(account: Account) -> ShortLink:
    """A link of another account."""
    return factories.link(factories.contact(factories.account()))


def status(visitor: httpx.Client, link: ShortLink, host: str) -> int:
    visitor.cookies.clear()
    return visitor.get(f"/{link.code}", headers={"Host": host}).status_code


def wait_for_domain(
    visitor: httpx.Client, other_link: ShortLink, domain: ShortDomain
) -> ShortDomain:
    """Return the domain after the process has read it."""
    customer_pages.wait_until(lambda: status(visitor, other_link, domain.host) == 404)
    return domain


def test_domain_serves_only_links_of_its_account(
    visitor: httpx.Client, account: Account, link: ShortLink, other_link: ShortLink
) -> None:
    host = wait_for_domain(visitor, other_link, factories.short_domain(account)).host

    assert status(visitor, link, host) == 302
    for spelled in (f"{host}:8001", host.upper(), f"{host}."):
        assert status(visitor, link, spelled) == 302
        assert status(visitor, other_link, spelled) == 404


def test_only_the_own_host_sends_hsts_for_its_subdomains(
    visitor: httpx.Client, account: Account, link: ShortLink, other_link: ShortLink
) -> None:
    domain = wait_for_domain(visitor, other_link, factories.short_domain(account)).host
    own = visitor.base_url.netloc.decode()
    hosts = (own, own.upper(), domain, domain.upper(), f"{domain}.:8001", "claimed.ru")
    paths = (link.code, "nowhere", "", "healthz", "privacy", "pixel/v1.js")

    policies = {
        host: {
            visitor.get(f"/{path}", headers={"Host": host}).headers[HSTS]
            for path in paths
        }
        for host in hosts
    }

    with_subdomains = {"max-age=31536000; includeSubDomains"}
    assert policies == {
        host: with_subdomains if host.lower() == own else {"max-age=31536000"}
        for host in hosts
    }


def test_link_of_another_account_gets_the_response_of_unknown_ones(
    visitor: httpx.Client, account: Account, other_link: ShortLink
) -> None:
    host = wait_for_domain(visitor, other_link, factories.short_domain(account)).host

    answers = [
        visitor.get(f"/{code}", headers={"Host": host})
        for code in (other_link.code, "AbcdefGHJKLm")
    ]

    refused, unknown = (
        (a.status_code, a.content, {**a.headers, "date": ""}) for a in answers
    )
    assert refused == unknown


def test_own_and_unknown_hosts_serve_links_of_all_accounts(
    visitor: httpx.Client, account: Account, link: ShortLink, other_link: ShortLink
) -> None:
    wait_for_domain(visitor, other_link, factories.short_domain(account))

    own = urlsplit(settings.SHORT_BASE_URL).netloc
    for host in (own, "nobody-claims-this.example"):
        assert [status(visitor, each, host) for each in (link, other_link)] == [
            302,
            302,
        ]


def test_own_host_cannot_be_claimed(
    visitor: httpx.Client, account: Account, link: ShortLink, other_link: ShortLink
) -> None:
    """The domain may have been claimed before it became our own host."""
    own = urlsplit(settings.SHORT_BASE_URL)
    factories.short_domain(account, host=own.hostname)
    wait_for_domain(visitor, other_link, factories.short_domain(account))

    assert status(visitor, other_link, own.netloc) == 302


def test_domain_serves_only_its_account_after_it_is_verified(
    visitor: httpx.Client, account: Account, link: ShortLink, other_link: ShortLink
) -> None:
    claimed = factories.short_domain(account, verified_at=None)
    wait_for_domain(visitor, other_link, factories.short_domain(account))
    assert status(visitor, other_link, claimed.host) == 302

    claimed.verified_at = timezone.now()
    claimed.save()

    customer_pages.wait_until(lambda: status(visitor, other_link, claimed.host) == 404)
    assert status(visitor, link, claimed.host) == 302


def stable(response: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    """Return what is equal in two responses, apart from the browser's new id."""
    headers = {**response.headers, "date": ""}
    attributes = headers.get("set-cookie", "").partition(";")[2]
    return response.status_code, response.content, {**headers, "set-cookie": attributes}


@pytest.mark.parametrize(
    "path", ["/{code}", "/privacy", "/AbcdefGHJKLm", "/tls-host?domain={host}"]
)
def test_claim_of_a_host_changes_no_response_under_it(
    visitor: httpx.Client, account: Account, other_link: ShortLink, path: str
) -> None:
    """The host may be that of a deleted domain, whose links still point here."""
    host = "go.legacy-shop.example"
    address = path.format(code=other_link.code, host=host)
    visitor.cookies.clear()
    before = stable(visitor.get(address, headers={"Host": host}))

    claim = {"host": host, "cookie_domain": "legacy-shop.example", "verified_at": None}
    factories.short_domain(account, **claim)
    wait_for_domain(visitor, other_link, factories.short_domain(account))

    visitor.cookies.clear()
    assert stable(visitor.get(address, headers={"Host": host})) == before


def test_lost_proof_has_no_effect_until_the_domain_is_stopped(
    visitor: httpx.Client, account: Account, other_link: ShortLink
) -> None:
    lost = factories.short_domain(account, proof_lost_at=timezone.now())
    wait_for_domain(visitor, other_link, lost)

    lost.verified_at = None
    lost.save()

    customer_pages.wait_until(lambda: status(visitor, other_link, lost.host) == 302)


def test_claim_does_not_affect_a_verified_domain(
    visitor: httpx.Client, account: Account, link: ShortLink, other_link: ShortLink
) -> None:
    theirs = factories.short_domain(other_link.contact.account)
    factories.short_domain(account, host=theirs.host, verified_at=None)

    customer_pages.wait_until(lambda: status(visitor, link, theirs.host) == 404)
    assert status(visitor, other_link, theirs.host) == 302


def test_deleted_domain_serves_links_of_all_accounts(
    visitor: httpx.Client, account: Account, other_link: ShortLink
) -> None:
    domain = wait_for_domain(visitor, other_link, factories.short_domain(account))

    domain.delete()

    customer_pages.wait_until(lambda: status(visitor, other_link, domain.host) == 302)


# --- cookies ---------------------------------------------------------------------


def cookie_on(visitor: httpx.Client, link: ShortLink, host: str) -> str:
    visitor.cookies.clear()
    response = visitor.get(f"/{link.code}", headers={"Host": host})
    return str(response.headers["set-cookie"])


def test_cookie_is_valid_for_the_site_of_the_domain(
    visitor: httpx.Client, account: Account, link: ShortLink, other_link: ShortLink
) -> None:
    site = "shop-of-cookies.example"
    of_site = factories.short_domain(account, host=f"go.{site}", cookie_domain=site)
    wait_for_domain(visitor, other_link, of_site)

    cookie = cookie_on(visitor, link, of_site.host)

    assert "Domain=shop-of-cookies.example;" in cookie
    assert "Domain" not in cookie_on(visitor, link, "127.0.0.1:8001")
    value = cookie.partition(";")[0]
    again = visitor.get(
        f"/{link.code}", headers={"Host": of_site.host, "Cookie": value}
    )
    assert "set-cookie" not in again.headers


def test_cookie_is_valid_for_the_host_if_the_domain_has_no_site(
    visitor: httpx.Client, account: Account, link: ShortLink, other_link: ShortLink
) -> None:
    domain = wait_for_domain(visitor, other_link, factories.short_domain(account))

    assert "Domain" not in cookie_on(visitor, link, domain.host)


def test_cookie_of_a_site_is_secure_over_https() -> None:
    ids = BrowserIds({"k1": b"k" * 43})
    cookies = PixelCookies(ids, https=True).for_domain("shop.example")

    name, *attributes = (
        (cookies.read_or_create(None).set_cookie or b"").decode().split("; ")
    )

    assert name.startswith("__Secure-slpx=v1.k1.")
    assert attributes == [
        "Path=/",
        "Domain=shop.example",
        "Max-Age=34560000",
        "HttpOnly",
        "SameSite=Lax",
        "Secure",
    ]


def test_opting_out_on_a_domain_deletes_the_cookie_of_the_site(
    visitor: httpx.Client, account: Account, other_link: ShortLink
) -> None:
    domain = factories.short_domain(account, cookie_domain="shop-of-cookies.example")
    wait_for_domain(visitor, other_link, domain)

    response = visitor.post(
        "/privacy?recognize=no",
        headers={"Host": domain.host, "Sec-Fetch-Site": "same-origin"},
    )

    deleted = [c for c in response.headers.get_list("set-cookie") if "slpx=;" in c]
    assert len(deleted) == 1
    assert "Domain=shop-of-cookies.example; Max-Age=0" in deleted[0]


# --- new links -------------------------------------------------------------------


def urls_of_new_links(account: Account) -> list[str]:
    api = Api(factories.token(factories.admin(account)))
    contact = factories.contact(account)
    metadata = {"entity_type": "contacts", "entity_id": contact.entity_id}
    link_request = {"url": factories.URL, "metadata": metadata}
    response: Any = api.post("/api/v4/short_links", [link_request])
    return [link["url"] for link in response.json()["_embedded"]["short_links"]]


def test_new_links_have_the_default_domain_of_the_account(
    visitor: httpx.Client, account: Account, other_link: ShortLink
) -> None:
    first, second = (factories.short_domain(account) for _ in range(2))
    own = urlsplit(settings.SHORT_BASE_URL)
    port = f":{own.port}" if own.port else ""
    assert urlsplit(urls_of_new_links(account)[0]).netloc == own.netloc

    for default in (first, second):
        short_domains.set_default(default)

        [url] = urls_of_new_links(account)
        assert url.startswith(f"{own.scheme}://{default.host}{port}/")
    wait_for_domain(visitor, other_link, second)
    [url] = urls_of_new_links(account)
    opened = visitor.get(urlsplit(url).path, headers={"Host": second.host})
    assert opened.headers["location"] == factories.URL
    assert own.netloc in urls_of_new_links(other_link.contact.account)[0]


def test_unverified_domain_cannot_become_the_default(account: Account) -> None:
    default = factories.short_domain(account)
    short_domains.set_default(default)

    with pytest.raises(NotVerified):
        short_domains.set_default(factories.short_domain(account, verified_at=None))

    assert ShortDomain.objects.get(is_default=True) == default


# --- host registry --------------------------------------------------------


def test_registry_keeps_its_hosts_while_postgres_is_unavailable(
    account: Account,
) -> None:
    site, domain = factories.site(account), factories.short_domain(account)

    async def scenario() -> None:
        is_back = threading.Event()
        breaker = CircuitBreaker("Postgres", is_back.wait)
        guarded = GuardedConnection(Connection(queries.conninfo(), timeout=5), breaker)
        cookies = PixelCookies(BrowserIds(settings.PIXEL_KEYS), https=False)
        registry = HostRegistry(guarded, cookies, own=frozenset(), seconds=1)
        assert not registry.current.domains

        assert await registry.refresh()
        read = registry.current
        assert read.domains.keys() == {domain.host.encode()}
        assert read.are_connected(account.pk, f"{site.origin}/sale")

        breaker.trip(ConnectionError("deleted"))
        assert not await registry.refresh()
        assert registry.current is read

        is_back.set()
        await guarded.close()

    asyncio.run(scenario())
