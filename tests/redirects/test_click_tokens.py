"""Redirects to connected sites have a click token."""

from uuid import UUID

import httpx
import pytest
from django.conf import settings

from shortlinks.domain.links import redis_cache
from shortlinks.domain.pixels.click_tokens import TTL_SECONDS, ClickTokens
from shortlinks.domain.visits import staff_cookie
from shortlinks.models import Account, ConnectedSite, ShortLink, Visit
from tests import factories
from tests.redirects import customer_pages
from tests.redirects.customer_pages import click_token


@pytest.fixture
def site(visitor: httpx.Client, account: Account) -> ConnectedSite:
    return customer_pages.wait_for_site(visitor, factories.site(account))


@pytest.fixture
def link(account: Account, site: ConnectedSite) -> ShortLink:
    return factories.link(factories.contact(account), f"{site.origin}/sale?x=1#top")


def test_redirect_to_a_connected_site_has_the_token_of_its_visit(
    visitor: httpx.Client, link: ShortLink, site: ConnectedSite
) -> None:
    response = visitor.get(f"/{link.code}")

    token = click_token(response) or ""
    location = f"{site.origin}/sale?x=1&_sl={token}#top"
    assert response.headers["location"] == location
    visit, click = Visit.objects.get(), ClickTokens(settings.PIXEL_KEYS).read(token)
    assert click == (visit.id, int(visit.occurred_at.timestamp()) + TTL_SECONDS)


def test_click_token_is_new_for_each_open(
    visitor: httpx.Client, link: ShortLink
) -> None:
    tokens = {customer_pages.open_with_token(visitor, link) for _ in range(3)}

    read = [ClickTokens(settings.PIXEL_KEYS).read(token) for token in tokens]
    visits: set[UUID] = set(Visit.objects.values_list("pk", flat=True))
    assert {click.visit_id for click in read if click} == visits
    assert len(visits) == 3


def test_redirect_to_a_site_of_another_account_has_no_token(
    visitor: httpx.Client, site: ConnectedSite
) -> None:
    other_contact = factories.contact(factories.account())
    link = factories.link(other_contact, f"{site.origin}/")

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
def test_redirect_to_an_unconnected_origin_has_no_token(
    visitor: httpx.Client, account: Account, site: ConnectedSite, elsewhere: str
) -> None:
    url = elsewhere.format(host=site.origin.removeprefix("https://"))
    link = factories.link(factories.contact(account), url)

    response = visitor.get(f"/{link.code}")

    assert response.headers["location"] == link.target
    assert "set-cookie" in response.headers


def test_origin_of_a_connected_site_includes_the_port(
    visitor: httpx.Client, account: Account
) -> None:
    site = factories.site(account, origin="https://shop-by-port.example:8443")
    customer_pages.wait_for_site(visitor, site)
    contact = factories.contact(account)

    urls = [f"https://shop-by-port.example{port}/" for port in (":8443", ":844", "")]
    tokens = [
        click_token(visitor.get(f"/{factories.link(contact, url).code}"))
        for url in urls
    ]

    assert [token is not None for token in tokens] == [True, False, False]


@pytest.mark.parametrize("brought", ["_sl=forged", "a=1&_sl=x&_s%6c=y", "_sl"])
def test_token_in_the_query_of_a_visitor_is_not_passed_on(
    visitor: httpx.Client, link: ShortLink, brought: str
) -> None:
    response = visitor.get(f"/{link.code}?{brought}")

    location = response.headers["location"]
    assert location.count("_sl") == 1
    assert "_s%6c" not in location
    click = ClickTokens(settings.PIXEL_KEYS).read(click_token(response) or "")
    assert click is not None
    assert click.visit_id == Visit.objects.get().pk


@pytest.mark.parametrize(
    "headers",
    [{"Sec-GPC": "1"}, {"DNT": "1"}, {"Cookie": "sloptout=1"}],
    ids=str,
)
def test_redirect_has_no_token_if_the_browser_opts_out(
    visitor: httpx.Client, link: ShortLink, headers: dict[str, str]
) -> None:
    response = visitor.get(f"/{link.code}", headers=headers)

    assert response.headers["location"] == link.target
    assert customer_pages.open_with_token(visitor, link)


def test_redirect_has_no_token_if_the_contact_denied_consent(
    visitor: httpx.Client, account: Account, site: ConnectedSite
) -> None:
    contact = factories.contact(account, tracking_consent="denied")
    link = factories.link(contact, f"{site.origin}/")

    assert click_token(visitor.get(f"/{link.code}")) is None


@pytest.mark.parametrize("mode", ["off", "consent_only"])
def test_redirect_has_no_token_without_consent_if_the_account_requires_it(
    visitor: httpx.Client, account: Account, link: ShortLink, mode: str
) -> None:
    account.pixel_mode = mode
    account.save()
    redis_cache.refresh_account(account)

    assert click_token(visitor.get(f"/{link.code}")) is None


def test_head_has_no_token(visitor: httpx.Client, link: ShortLink) -> None:
    response = visitor.head(f"/{link.code}")

    assert response.headers["location"] == link.target


def test_prefetch_is_503_without_a_location(
    visitor: httpx.Client, link: ShortLink
) -> None:
    response = visitor.get(f"/{link.code}", headers={"Sec-Purpose": "prefetch"})

    assert (response.status_code, "location" in response.headers) == (503, False)


def test_redirect_of_staff_has_no_token(
    visitor: httpx.Client, account: Account, link: ShortLink
) -> None:
    cookie = staff_cookie.cookie_value(factories.user(account).pk, account.pk)
    name = staff_cookie.cookie_name()

    response = visitor.get(f"/{link.code}", headers={"Cookie": f"{name}={cookie}"})

    assert response.headers["location"] == link.target


def test_redirect_from_an_office_address_has_no_token(
    visitor: httpx.Client, account: Account, link: ShortLink
) -> None:
    account.office_networks = ["203.0.113.7"]
    account.save()
    redis_cache.refresh_account(account)
    office = {"X-Forwarded-For": "203.0.113.7"}

    response = visitor.get(f"/{link.code}", headers=office)

    assert response.headers["location"] == link.target


def test_redirect_has_no_token_after_the_site_is_disconnected(
    visitor: httpx.Client, link: ShortLink, site: ConnectedSite
) -> None:
    site.delete()

    path = f"/{link.code}"
    customer_pages.wait_until(lambda: click_token(visitor.get(path)) is None)
