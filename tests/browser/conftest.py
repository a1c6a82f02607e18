"""Debian's Chromium, driven by Playwright.

Every host under .test resolves to this machine. Third-party cookies are blocked, as in
most browsers.
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

from tests import programs, services

# Playwright runs an event loop in this thread, which Django rejects.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

# Chromium's own contains "Headless" and would count as a bot.
USER_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36"
)
SWITCHES = (
    "--host-resolver-rules=MAP *.test 127.0.0.1",
    "--test-third-party-cookie-phaseout",
    "--no-sandbox",  # root has no sandbox
)
# Timeout for expectations on a busy machine.
TIMEOUT_MS = 60_000
expect.set_options(timeout=TIMEOUT_MS)


@pytest.fixture(scope="session")
def playwright(starts_processes: None) -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    path = programs.find("chromium", package="chromium")
    started = playwright.chromium.launch(executable_path=path, args=list(SWITCHES))
    yield started
    started.close()


@pytest.fixture
def visitor(browser: Browser) -> Iterator[BrowserContext]:
    """Return a new browser profile."""
    with browser.new_context(user_agent=USER_AGENT, locale="ru-RU") as context:
        context.set_default_timeout(TIMEOUT_MS)
        yield context


@pytest.fixture
def page(visitor: BrowserContext) -> Page:
    return visitor.new_page()


@pytest.fixture
def web(transactional_db: None, tmp_path: Path) -> Iterator[httpx.Client]:
    """Start a process for each test, because it caches the ids of content types.

    The flush after a test assigns them again.
    """
    with services.web(tmp_path) as client:
        yield client
