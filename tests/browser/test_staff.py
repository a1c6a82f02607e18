"""Staff cookies of a short host on another site than the admin, over https."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

from shortlinks.domain.visits import staff_handoff
from shortlinks.models import Account, ShortLink, User, Visit
from tests import factories, programs, services
from tests.browser import admin_site, caddy, conftest

SHORT_HOST = "go.links.test"
DOMAIN = "go.shop.test"
SHOP = "shop.test"
UNKNOWN = "This link does not work"


class Stage:
    """Admin and short host behind Caddy, and browsers that trust it."""

    def __init__(self, playwright: Playwright, port: int, trusting: str) -> None:
        self.admin = f"https://crm.test:{port}/admin/"
        self.shop = f"https://{SHOP}:{port}/"
        self.domain = f"https://{DOMAIN}:{port}"
        self.short = f"https://{SHORT_HOST}:{port}"
        self._chromium = playwright.chromium
        self._path = programs.find("chromium", package="chromium")
        agent = f"--user-agent={conftest.USER_AGENT}"
        self._switches = [*conftest.SWITCHES, trusting, agent]

    def browser(self) -> Browser:
        return self._chromium.launch(executable_path=self._path, args=self._switches)

    def profile(self, directory: Path) -> AbstractContextManager[BrowserContext]:
        return self._chromium.launch_persistent_context(
            directory, executable_path=self._path, args=self._switches
        )

    def opens(self, visitor: BrowserContext, link: ShortLink) -> list[str]:
        """Open the link on both hosts, and return the staff of the visits."""
        page = visitor.new_page()
        for host in (self.short, self.domain):
            page.goto(f"{host}/{link.code}")
            assert page.url == self.shop
        visits = Visit.objects.order_by("-id").values_list("staff", flat=True)
        return [*reversed(visits[:2])]


@pytest.fixture
def account(transactional_db: None) -> Account:
    """Return an account with its own short domain, which processes read at start."""
    account = factories.account()
    factories.short_domain(account, host=DOMAIN)
    return account


@pytest.fixture
def stage(account: Account, playwright: Playwright, tmp_path: Path) -> Iterator[Stage]:
    port = services.free_port()
    settings = {
        "BASE_URL": f"https://crm.test:{port}",
        "SHORT_BASE_URL": f"https://{SHORT_HOST}:{port}",
        "ALLOWED_HOSTS": "crm.test,127.0.0.1",
        "TRUSTED_PROXIES": "127.0.0.0/8",
    }
    with (
        services.redirects_server(tmp_path, **settings) as redirects,
        services.web_server(tmp_path, **settings) as web,
        caddy.running(
            tmp_path,
            port,
            short_base_url=settings["SHORT_BASE_URL"],
            redirects=redirects.port,
            web=web.port,
            sites=f"https://{SHOP}:{port} {{\n respond welcome\n}}\n",
        ) as trusting_caddy,
    ):
        yield Stage(playwright, port, trusting_caddy)


@pytest.fixture
def link(stage: Stage, account: Account) -> ShortLink:
    return factories.link(factories.contact(account), stage.shop)


@pytest.fixture
def manager(account: Account) -> User:
    return factories.user(account, email="seller@shop.example")


@pytest.fixture
def chromium(stage: Stage) -> Iterator[Browser]:
    with stage.browser() as browser:
        yield browser


def record_urls(page: Page) -> list[str]:
    """Return the list to which the URLs of all further requests are added."""
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    return urls


def names(visitor: BrowserContext) -> set[str]:
    """Return the names of the short host's cookies."""
    cookies = visitor.cookies()
    return {str(c.get("name")) for c in cookies if c.get("domain") == SHORT_HOST}


def resume_session(visitor: BrowserContext, stage: Stage, user: User) -> None:
    """Sign the user in, without opening a page of the admin."""
    client = Client()
    client.force_login(user)
    value = client.cookies["sessionid"].value
    origin = stage.admin.removesuffix("admin/")
    visitor.add_cookies([{"name": "__Host-sessionid", "value": value, "url": origin}])


def test_invitation_makes_only_the_users_own_browser_staff(
    stage: Stage, chromium: Browser, link: ShortLink, manager: User
) -> None:
    users, clients = chromium.new_context(), chromium.new_context()
    page = users.new_page()
    urls = record_urls(page)
    admin_site.sign_in(page, stage.admin, manager)
    path = f"{stage.short}{staff_handoff.PATH}"
    [invitation] = [url for url in urls if url.startswith(f"{path}?t=")]
    start = next(url for url in urls if url.startswith(f"{path}?start="))

    lured = clients.new_page()
    for url in (invitation, start):
        lured.goto(url)
    page.goto(invitation)

    expect(page.locator("h1")).to_have_text(UNKNOWN)
    assert urlsplit(lured.url).path == "/admin/login/"
    assert names(users) == {"__Host-slstaff"}
    assert "__Host-slstaff" not in names(clients)
    assert stage.opens(users, link) == [f"user {manager.pk}"] * 2
    assert stage.opens(clients, link) == ["", ""]


def test_two_tabs_at_once_both_show_their_page(
    stage: Stage, chromium: Browser, link: ShortLink, manager: User
) -> None:
    visitor = chromium.new_context()
    resume_session(visitor, stage, manager)
    pages = [visitor.new_page() for _ in range(2)]

    for number, page in enumerate(pages):
        # Begin to load both before either has ended.
        page.evaluate("url => { location = url }", f"{stage.admin}?tab={number}")

    for number, page in enumerate(pages):
        page.wait_for_url(f"{stage.admin}?tab={number}")
        expect(page.locator("#content")).to_be_visible()
    assert stage.opens(visitor, link) == [f"user {manager.pk}"] * 2


def test_blocked_cookies_are_explained_in_the_admin(
    stage: Stage, tmp_path: Path, link: ShortLink, manager: User
) -> None:
    blocked = {f"{SHORT_HOST},*": {"setting": 2}}
    settings = {"content_settings": {"exceptions": {"cookies": blocked}}}
    profile = tmp_path / "profile" / "Default"
    profile.mkdir(parents=True)
    (profile / "Preferences").write_text(json.dumps({"profile": settings}))

    with stage.profile(tmp_path / "profile") as visitor:
        page = visitor.new_page()
        admin_site.sign_in(page, stage.admin, manager)

        expect(page.locator("body")).to_contain_text(
            f"This browser blocks the cookies of {SHORT_HOST}"
        )
        assert stage.opens(visitor, link) == ["", f"user {manager.pk}"]
