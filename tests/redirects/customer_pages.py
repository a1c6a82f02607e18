"""Pages of connected sites, and visitors who open them through a short link."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import httpx

from shortlinks.domain.pixels import click_tokens
from shortlinks.models import ConnectedSite, ShortLink
from tests import services
from tests.factories import BROWSER

PATH = "/pixel/v1/identify"

_numbers = count()


def new_address() -> str:
    """Return an address that no rate limit has counted yet."""
    low = next(_numbers)
    return f"198.18.{low // 256}.{low % 256}"


@dataclass
class Page:
    """A page of a connected site in a browser, with its own `origin` if set."""

    browser: httpx.Client
    site: ConnectedSite
    origin: str = ""
    address: str = field(default_factory=new_address)
    user_agent: str = BROWSER["User-Agent"]

    def identify(self, **body: Any) -> httpx.Response:
        return self.post(httpx.Request("POST", "/", json=self.body(**body)).content)

    def body(self, **body: Any) -> dict[str, Any]:
        return {"site_key": self.site.site_key, **body}

    def post(self, content: bytes) -> httpx.Response:
        return self.browser.post(PATH, content=content, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        return {
            "Origin": self.origin or self.site.origin,
            "Content-Type": "text/plain;charset=UTF-8",
            "User-Agent": self.user_agent,
            "X-Forwarded-For": self.address,
        }


def wait_for_site(browser: httpx.Client, site: ConnectedSite) -> ConnectedSite:
    """Return the site after the process has read it."""
    headers = {"Origin": site.origin}
    wait_until(lambda: browser.options(PATH, headers=headers).status_code == 204)
    return site


def click_token(response: httpx.Response) -> str | None:
    """Return the click token in the location of a redirect, if any."""
    assert response.status_code == 302
    for pair in urlsplit(response.headers["location"]).query.split("&"):
        name, _, value = pair.partition("=")
        if name == click_tokens.PARAMETER:
            return value
    return None


def open_with_token(browser: httpx.Client, link: ShortLink, **headers: str) -> str:
    """Open the link and return the click token."""
    click = click_token(browser.get(f"/{link.code}", headers=headers))
    assert click is not None
    return click


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait longer than a process keeps the sites and domains that it has read."""
    services.wait_for(condition, seconds=10)
