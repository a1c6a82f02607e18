"""A customer's site, its pages, and those who come to them from a short link."""

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


def an_address() -> str:
    """Of a visitor whom no rate has met yet."""
    low = next(_numbers)
    return f"198.18.{low // 256}.{low % 256}"


@dataclass
class Page:
    """A page of a connected site in somebody's browser; `origin` is where it says."""

    browser: httpx.Client
    site: ConnectedSite
    origin: str = ""
    address: str = field(default_factory=an_address)
    user_agent: str = BROWSER["User-Agent"]

    def asks(self, **body: Any) -> httpx.Response:
        return self.sends(httpx.Request("POST", "/", json=self.body(**body)).content)

    def body(self, **body: Any) -> dict[str, Any]:
        return {"site_key": self.site.site_key, **body}

    def sends(self, content: bytes) -> httpx.Response:
        return self.browser.post(PATH, content=content, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        return {
            "Origin": self.origin or self.site.origin,
            "Content-Type": "text/plain;charset=UTF-8",
            "User-Agent": self.user_agent,
            "X-Forwarded-For": self.address,
        }


def known(browser: httpx.Client, site: ConnectedSite) -> ConnectedSite:
    """The site, as soon as the process has heard of it."""
    headers = {"Origin": site.origin}
    wait_until(lambda: browser.options(PATH, headers=headers).status_code == 204)
    return site


def click_of(response: httpx.Response) -> str | None:
    """The token with which a redirect leads on, if it does."""
    assert response.status_code == 302
    for pair in urlsplit(response.headers["location"]).query.split("&"):
        name, _, value = pair.partition("=")
        if name == click_tokens.PARAMETER:
            return value
    return None


def clicks(browser: httpx.Client, link: ShortLink, **headers: str) -> str:
    """The token that this browser's open of the link is given."""
    click = click_of(browser.get(f"/{link.code}", headers=headers))
    assert click is not None
    return click


def wait_until(condition: Callable[[], bool]) -> None:
    """Longer than a process goes on with what it has read of customers' hosts."""
    services.wait_for(condition, seconds=10)
