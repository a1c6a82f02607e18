"""Who is led on with a click token, and where to: over HTTP (pixel §1.3)."""

from uuid import UUID

import httpx
import pytest
from django.conf import settings

from shortlinks.domain.links import redis_cache
from shortlinks.domain.pixels.click_tokens import TTL_SECONDS, ClickTokens
from shortlinks.domain.visits import staff_cookie
from shortlinks.models import Account, ConnectedSite, ShortLink, Visit
from tests import factories
from tests.redirects import customers
from tests.redirects.customers import click_of


@pytest.fixture
def site(visitor: httpx.Client, account: Account) -> ConnectedSite:
    return customers.known(visitor, factories.site(account))


@pytest.fixture
def link(account: Account, site: ConnectedSite) -> ShortLink:
    return factories.link(factories.contact(account), f"{site.origin}/sale?x=1#top")


def test_an_open_carries_its_visits_token_to_the_connected_site(
    visitor: httpx.Client, link: ShortLink, site: ConnectedSite
) -> None:
    response = visitor.get(f"/{link.code}")

    token = click_of(response) or ""
    location = f"{site.origin}/sale?x=1&_sl={token}#top"
    assert response.headers["location"] == location
    visit, click = Visit.objects.get(), ClickTokens(settings.PIXEL_KEYS).read(token)
    assert click == (visit.id, int(visit.occurred_at.timestamp()) + TTL_SECONDS)


def test_each_open_has_a_token_of_its_own(
    visitor: httpx.Client, link: ShortLink
) -> None:
    tokens = {customers.clicks(visitor, link) for _ in range(3)}

    read = [ClickTokens(settings.PIXEL_KEYS).read(token) for token in tokens]
    visits: set[UUID] = set(Visit.objects.values_list("pk", flat=True))
    assert {click.visit_id for click in read if click} == visits
    assert len(visits) == 3


def test_a_token_goes_to_the_sites_of_the_links_own_account_alone(
    visitor: httpx.Client, site: ConnectedSite
) -> None:
    stranger = factories.contact(factories.account())
    link = factories.link(stranger, f"{site.origin}/")

    response = visitor.get(f"/{link.code}")

    assert response.headers["location"] == f"{site.origin}/"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://{host}.evil/",
        "https://{host}.evil.example/sale",
        "https://evil.example/https://{host}/",
        "https://evil.example/?https://{host}/",
        "https://{host}:8443/",
        "http://{host}/",
        "https://www.{host}/",
    ],
)
def test_no_token_goes_anywhere_else(
    visitor: httpx.Client, account: Account, site: ConnectedSite, elsewhere: str
) -> None:
    url = elsewhere.format(host=site.origin.removeprefix("https://"))
    link = factories.link(factories.contact(account), url)

    response = visitor.get(f"/{link.code}")

    assert response.headers["location"] == link.target
    assert "set-cookie" in response.headers


def test_a_port_is_part_of_the_origin(visitor: httpx.Client, account: Account) -> None:
    site = factories.site(account, origin="https://shop-by-port.example:8443")
    customers.known(visitor, site)
    contact = factories.contact(account)

    urls = [f"https://shop-by-port.example{port}/" for port in (":8443", ":844", "")]
    tokens = [
        click_of(visitor.get(f"/{factories.link(contact, url).code}")) for url in urls
    ]

    assert [token is not None for token in tokens] == [True, False, False]


@pytest.mark.parametrize("brought", ["_sl=forged", "a=1&_sl=x&_s%6c=y", "_sl"])
def test_a_token_that_the_visitor_brings_is_never_passed_on(
    visitor: httpx.Client, link: ShortLink, brought: str
) -> None:
    response = visitor.get(f"/{link.code}?{brought}")

    location = response.headers["location"]
    assert location.count("_sl") == 1
    assert "_s%6c" not in location
    click = ClickTokens(settings.PIXEL_KEYS).read(click_of(response) or "")
    assert click is not None
    assert click.visit_id == Visit.objects.get().pk


@pytest.mark.parametrize(
    "headers",
    [{"Sec-GPC": "1"}, {"DNT": "1"}, {"Cookie": "sloptout=1"}],
    ids=str,
)
def test_who_objects_brings_no_token_to_the_site(
    visitor: httpx.Client, link: ShortLink, headers: dict[str, str]
) -> None:
    refused = visitor.get(f"/{link.code}", headers=headers)

    assert refused.headers["location"] == link.target
    assert customers.clicks(visitor, link)


def test_who_denied_consent_brings_no_token_to_the_site(
    visitor: httpx.Client, account: Account, site: ConnectedSite
) -> None:
    contact = factories.contact(account, tracking_consent="denied")
    link = factories.link(contact, f"{site.origin}/")

    assert click_of(visitor.get(f"/{link.code}")) is None


@pytest.mark.parametrize("mode", ["off", "consent_only"])
def test_no_token_without_consent_where_it_is_asked_for(
    visitor: httpx.Client, account: Account, link: ShortLink, mode: str
) -> None:
    account.pixel_mode = mode
    account.save()
    redis_cache.refresh_account(account)

    assert click_of(visitor.get(f"/{link.code}")) is None


def test_a_head_has_no_token(visitor: httpx.Client, link: ShortLink) -> None:
    response = visitor.head(f"/{link.code}")

    assert response.headers["location"] == link.target


def test_a_prefetch_is_led_nowhere(visitor: httpx.Client, link: ShortLink) -> None:
    response = visitor.get(f"/{link.code}", headers={"Sec-Purpose": "prefetch"})

    assert (response.status_code, "location" in response.headers) == (503, False)


def test_colleagues_have_no_token(
    visitor: httpx.Client, account: Account, link: ShortLink
) -> None:
    cookie = staff_cookie.cookie_value(factories.user(account))
    name = staff_cookie.cookie_name()

    response = visitor.get(f"/{link.code}", headers={"Cookie": f"{name}={cookie}"})

    assert response.headers["location"] == link.target


def test_the_office_has_no_token(
    visitor: httpx.Client, account: Account, link: ShortLink
) -> None:
    account.office_networks = ["203.0.113.7"]
    account.save()
    redis_cache.refresh_account(account)
    office = {"X-Forwarded-For": "203.0.113.7"}

    response = visitor.get(f"/{link.code}", headers=office)

    assert response.headers["location"] == link.target


def test_a_site_that_is_disconnected_gets_no_more_tokens(
    visitor: httpx.Client, link: ShortLink, site: ConnectedSite
) -> None:
    site.delete()

    with_a_token = f"/{link.code}"
    customers.wait_until(lambda: click_of(visitor.get(with_a_token)) is None)
