"""Short domains under customers' own sites, over HTTP (pixel §1.3, layer 3)."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from django.conf import settings
from django.utils import timezone

from shortlinks.domain.links import short_domains
from shortlinks.domain.links.short_domains import NotVerified
from shortlinks.domain.pixels.pixel_cookie import PixelCookies
from shortlinks.domain.postgres import queries
from shortlinks.models import Account, ShortDomain, ShortLink
from shortlinks.redirects.circuit_breaker import CircuitBreaker
from shortlinks.redirects.database import Connection, GuardedConnection
from shortlinks.redirects.host_registry import HostRegistry
from tests import factories
from tests.conftest import Api
from tests.redirects import customers


@pytest.fixture
def stranger(account: Account) -> ShortLink:
    """A link of somebody else's."""
    return factories.link(factories.contact(factories.account()))


def status(visitor: httpx.Client, link: ShortLink, host: str) -> int:
    visitor.cookies.clear()
    return visitor.get(f"/{link.code}", headers={"Host": host}).status_code


def known(
    visitor: httpx.Client, stranger: ShortLink, domain: ShortDomain
) -> ShortDomain:
    """The domain, as soon as the process has heard of it: it leads no stranger on."""
    customers.wait_until(lambda: status(visitor, stranger, domain.host) == 404)
    return domain


def test_a_domain_answers_for_its_accounts_links_alone(
    visitor: httpx.Client, account: Account, link: ShortLink, stranger: ShortLink
) -> None:
    host = known(visitor, stranger, factories.short_domain(account)).host

    assert status(visitor, link, host) == 302
    for spelled in (f"{host}:8001", host.upper(), f"{host}."):
        assert status(visitor, link, spelled) == 302
        assert status(visitor, stranger, spelled) == 404


def test_a_domain_binds_no_host_below_it(
    visitor: httpx.Client, account: Account, link: ShortLink, stranger: ShortLink
) -> None:
    host = known(visitor, stranger, factories.short_domain(account)).host

    of_domain = visitor.get(f"/{link.code}", headers={"Host": host}).headers
    own = visitor.get(f"/{link.code}").headers

    assert of_domain["strict-transport-security"] == "max-age=31536000"
    assert own["strict-transport-security"].endswith("; includeSubDomains")


def test_a_strangers_link_answers_like_what_never_was(
    visitor: httpx.Client, account: Account, stranger: ShortLink
) -> None:
    host = known(visitor, stranger, factories.short_domain(account)).host

    answers = [
        visitor.get(f"/{code}", headers={"Host": host})
        for code in (stranger.code, "AbcdefGHJKLm")
    ]

    refused, unknown = (
        (a.status_code, a.content, {**a.headers, "date": ""}) for a in answers
    )
    assert refused == unknown


def test_the_services_own_host_answers_for_all(
    visitor: httpx.Client, account: Account, link: ShortLink, stranger: ShortLink
) -> None:
    known(visitor, stranger, factories.short_domain(account))

    own = urlsplit(settings.SHORT_BASE_URL).netloc
    for host in (own, "nobody-claims-this.example"):
        assert [status(visitor, of, host) for of in (link, stranger)] == [302, 302]


def test_nobody_claims_the_services_own_host(
    visitor: httpx.Client, account: Account, link: ShortLink, stranger: ShortLink
) -> None:
    """One that was claimed before it became the service's own."""
    own = urlsplit(settings.SHORT_BASE_URL)
    factories.short_domain(account, host=own.hostname)
    known(visitor, stranger, factories.short_domain(account))

    assert status(visitor, stranger, own.netloc) == 302


def test_a_domain_that_is_only_claimed_answers_for_nothing(
    visitor: httpx.Client, account: Account, link: ShortLink, stranger: ShortLink
) -> None:
    claimed = known(
        visitor, stranger, factories.short_domain(account, verified_at=None)
    )
    assert status(visitor, link, claimed.host) == 404

    claimed.verified_at = timezone.now()
    claimed.save()

    customers.wait_until(lambda: status(visitor, link, claimed.host) == 302)
    assert status(visitor, stranger, claimed.host) == 404


def test_who_only_claims_takes_nothing_from_who_has_proven_it(
    visitor: httpx.Client, account: Account, link: ShortLink, stranger: ShortLink
) -> None:
    theirs = factories.short_domain(stranger.contact.account)
    factories.short_domain(account, host=theirs.host, verified_at=None)

    customers.wait_until(lambda: status(visitor, link, theirs.host) == 404)
    assert status(visitor, stranger, theirs.host) == 302


def test_a_domain_that_is_given_up_is_nobodys_again(
    visitor: httpx.Client, account: Account, stranger: ShortLink
) -> None:
    domain = known(visitor, stranger, factories.short_domain(account))

    domain.delete()

    customers.wait_until(lambda: status(visitor, stranger, domain.host) == 302)


# --- cookies ---------------------------------------------------------------------


def cookie_on(visitor: httpx.Client, link: ShortLink, host: str) -> str:
    visitor.cookies.clear()
    response = visitor.get(f"/{link.code}", headers={"Host": host})
    return str(response.headers["set-cookie"])


def test_the_cookie_is_the_whole_sites_where_the_host_belongs_to_one(
    visitor: httpx.Client, account: Account, link: ShortLink, stranger: ShortLink
) -> None:
    site = "shop-of-cookies.example"
    of_site = factories.short_domain(account, host=f"go.{site}", cookie_domain=site)
    known(visitor, stranger, of_site)

    cookie = cookie_on(visitor, link, of_site.host)

    assert "Domain=shop-of-cookies.example;" in cookie
    assert "Domain" not in cookie_on(visitor, link, "127.0.0.1:8001")
    value = cookie.partition(";")[0]
    again = visitor.get(
        f"/{link.code}", headers={"Host": of_site.host, "Cookie": value}
    )
    assert "set-cookie" not in again.headers


def test_a_domain_without_one_has_a_cookie_of_its_own_host(
    visitor: httpx.Client, account: Account, link: ShortLink, stranger: ShortLink
) -> None:
    domain = known(visitor, stranger, factories.short_domain(account))

    assert "Domain" not in cookie_on(visitor, link, domain.host)


def test_over_https_the_sites_cookie_is_a_secure_one() -> None:
    cookies = PixelCookies({"k1": b"k" * 43}, https=True).for_domain("shop.example")

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


def test_opting_out_on_a_domain_takes_the_sites_cookie_away(
    visitor: httpx.Client, account: Account, stranger: ShortLink
) -> None:
    domain = factories.short_domain(account, cookie_domain="shop-of-cookies.example")
    known(visitor, stranger, domain)

    response = visitor.post(
        "/privacy?recognise=no",
        headers={"Host": domain.host, "Sec-Fetch-Site": "same-origin"},
    )

    gone = [c for c in response.headers.get_list("set-cookie") if "slpx=;" in c]
    assert len(gone) == 1
    assert "Domain=shop-of-cookies.example; Max-Age=0" in gone[0]


# --- new links -------------------------------------------------------------------


def urls_of_new_links(account: Account) -> list[str]:
    api = Api(factories.token(factories.admin(account)))
    contact = factories.contact(account)
    metadata = {"entity_type": "contacts", "entity_id": contact.entity_id}
    order = {"url": factories.URL, "metadata": metadata}
    response: Any = api.post("/api/v4/short_links", [order])
    return [made["url"] for made in response.json()["_embedded"]["short_links"]]


def test_new_links_have_the_accounts_primary_domain(
    visitor: httpx.Client, account: Account, stranger: ShortLink
) -> None:
    first, second = (factories.short_domain(account) for _ in range(2))
    own = urlsplit(settings.SHORT_BASE_URL)
    port = f":{own.port}" if own.port else ""
    assert urlsplit(urls_of_new_links(account)[0]).netloc == own.netloc

    for primary in (first, second):
        short_domains.set_default(primary)

        [url] = urls_of_new_links(account)
        assert url.startswith(f"{own.scheme}://{primary.host}{port}/")
    known(visitor, stranger, second)
    [url] = urls_of_new_links(account)
    opened = visitor.get(urlsplit(url).path, headers={"Host": second.host})
    assert opened.headers["location"] == factories.URL
    assert own.netloc in urls_of_new_links(stranger.contact.account)[0]


def test_a_domain_that_is_not_verified_is_not_made_primary(account: Account) -> None:
    primary = factories.short_domain(account)
    short_domains.set_default(primary)

    with pytest.raises(NotVerified):
        short_domains.set_default(factories.short_domain(account, verified_at=None))

    assert ShortDomain.objects.get(is_default=True) == primary


# --- what a process knows --------------------------------------------------------


def test_the_directory_outlives_postgres(account: Account) -> None:
    site, domain = factories.site(account), factories.short_domain(account)

    async def story() -> None:
        probe = Connection(queries.conninfo(), timeout=5)
        breaker = CircuitBreaker("Postgres", lambda: probe.execute("SELECT 1"))
        guarded = GuardedConnection(Connection(queries.conninfo(), timeout=5), breaker)
        cookies = PixelCookies(settings.PIXEL_KEYS, https=False)
        directory = HostRegistry(guarded, cookies, own=frozenset(), seconds=1)
        assert not directory.hosts.domains

        assert await directory.refresh()
        read = directory.hosts
        assert read.domains.keys() == {domain.host.encode()}
        assert read.are_connected(account.pk, f"{site.origin}/sale")

        breaker.trip(ConnectionError("gone"))
        assert not await directory.refresh()
        assert directory.hosts is read

        await breaker.close()
        await guarded.close()
        await probe.close()

    asyncio.run(story())
