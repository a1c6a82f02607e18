"""Running service and its admin, for tests in a browser."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from playwright.sync_api import Browser, Page

from shortlinks.models import User
from tests import receivers, services
from tests.browser.conftest import USER_AGENT

PASSWORD = "correct horse battery staple"


class Shop(SimpleHTTPRequestHandler):
    """Website to which the links lead; every path is a page."""

    def send_head(self) -> None:
        self.send_response(200)
        self.end_headers()

    def copyfile(self, source: object, outputfile: object) -> None:
        pass

    def log_message(self, format: str, *args: object) -> None:
        pass


@dataclass(frozen=True)
class Service:
    admin: str
    api: httpx.Client
    shop: str
    short: str


@contextlib.contextmanager
def opened(directory: Path) -> Iterator[Service]:
    """Start web, redirects and workers, with working short links."""
    shop = receivers.serving(partial(Shop, directory=str(directory)))
    with (
        services.redirects_server(directory) as server,
        services.worker(directory),
        services.webhooks(directory),
        services.web(directory, SHORT_BASE_URL=_address(server.client)) as web,
        shop as (_, url),
    ):
        port = url.rsplit(":", 1)[-1].strip("/")
        yield Service(
            f"{_address(web)}/admin/",
            web,
            f"http://shop.test:{port}",
            _address(server.client),
        )


def sign_in(page: Page, admin: str, user: User, language: str = "en") -> None:
    user.language = language
    user.set_password(PASSWORD)
    user.save()
    enter(page, admin, user.email)


def enter(page: Page, admin: str, email: str) -> None:
    page.goto(admin)
    page.fill("[name=username]", email)
    page.fill("[name=password]", PASSWORD)
    page.click("[type=submit]")
    page.wait_for_url(lambda url: urlsplit(url).path == "/admin/")
    page.locator("#content").wait_for()  # after the short hosts


def open_privately(browser: Browser, short_url: str) -> str:
    """Open the link in a new browser profile, and return the final URL."""
    with browser.new_context(user_agent=USER_AGENT, locale="ru-RU") as context:
        page = context.new_page()
        page.goto(short_url)
        return page.url


def run_action(page: Page, label: str | re.Pattern[str]) -> None:
    """Run an action on the selected rows.

    The button appears only after the page's script has handled the choice, which may
    be made before the script has loaded.
    """
    choice = page.locator("[name=action]").first
    button = page.locator("[name=index]").first
    [value] = choice.locator("option", has_text=label).evaluate_all(
        "options => options.map(option => option.value)"
    )
    services.wait_for(lambda: choice.select_option(value) and button.is_visible())
    button.click()


def _address(client: httpx.Client) -> str:
    return str(client.base_url).rstrip("/")
