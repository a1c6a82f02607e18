"""A real browser: Debian's Chromium, driven by Playwright, and hosts of several sites.

Every name under .test leads to this machine. Cookies of third parties are blocked, as
most browsers do by now.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from devserver import apt
from tests import services

# Playwright keeps an event loop in this thread, and Django takes it for its caller's.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

# Chromium's own says that it is headless, and so no person's.
USER_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36"
)
SWITCHES = (
    "--host-resolver-rules=MAP *.test 127.0.0.1",
    "--test-third-party-cookie-phaseout",
    "--no-sandbox",  # which root has none
)
# Waited for what must come; a busy machine needs more than a person would.
MOST_MILLISECONDS = 60_000
expect.set_options(timeout=MOST_MILLISECONDS)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    path = apt.program("chromium", package="chromium")
    assert path, "there is no chromium: install Debian's package of this name"
    started = playwright.chromium.launch(executable_path=path, args=list(SWITCHES))
    yield started
    started.close()


@pytest.fixture
def visitor(browser: Browser) -> Iterator[BrowserContext]:
    """A person's browser that has been nowhere yet."""
    with browser.new_context(user_agent=USER_AGENT, locale="ru-RU") as context:
        context.set_default_timeout(MOST_MILLISECONDS)
        yield context


@pytest.fixture
def page(visitor: BrowserContext) -> Page:
    return visitor.new_page()


@pytest.fixture
def web(transactional_db: None, tmp_path: Path) -> Iterator[httpx.Client]:
    """A process for each test: it remembers the ids of content types, which the flush
    after a test gives out anew.
    """
    with services.web(tmp_path) as client:
        yield client
