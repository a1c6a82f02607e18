"""Every page in both languages, wide and narrow, light and dark: nothing is refused,
nothing sticks out. With SCREENSHOTS=folder the pictures are kept there.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect

from shortlinks.models import DailyVisits, Note, User
from tests import factories
from tests.admin import worlds
from tests.admin.worlds import World
from tests.browser.conftest import MOST_MILLISECONDS, USER_AGENT

PASSWORD = "correct horse battery staple"
SHAPES = [("en", 1280), ("ru", 1280), ("en", 390), ("ru", 390)]
MANAGERS = {"home": "", "contacts": "shortlinks/contact/", "contact": "{contact}"}
ADMINISTRATORS = {
    "administrator": "?days=30",
    "visits": "shortlinks/visit/",
    "account": "shortlinks/account/{account}/change/",
    "rights": "shortlinks/user/",
    "import": "import/",
    "suggestion": "shortlinks/mergesuggestion/{suggestion}/change/",
    "token": "shortlinks/apitoken/add/",
}


@pytest.fixture
def world(transactional_db: None) -> World:
    account = factories.account(name="Shop", time_zone="Europe/Moscow")
    manager = factories.user(account, contacts_view="M", contacts_edit="M")
    world = worlds.fill(account, "Anna", responsible=manager)
    DailyVisits.objects.create(
        link=world.link, day=timezone.localdate(), verdict="person", visits=3
    )
    return world


@pytest.fixture(params=SHAPES, ids=lambda shape: f"{shape[0]}-{shape[1]}")
def shaped(
    browser: Browser, request: pytest.FixtureRequest
) -> Iterator[tuple[BrowserContext, str]]:
    language, width = request.param
    with browser.new_context(
        user_agent=USER_AGENT,
        locale=language,
        viewport={"width": width, "height": 900},
        color_scheme="light" if language == "ru" else "dark",
    ) as context:
        context.set_default_timeout(MOST_MILLISECONDS)
        yield context, f"{language}-{width}"


def _sign_in(page: Page, web: httpx.Client, user: User, language: str) -> None:
    user.language = language
    user.set_password(PASSWORD)
    user.save()
    page.goto(f"{web.base_url}/admin/")
    page.fill("[name=username]", user.email)
    page.fill("[name=password]", PASSWORD)
    page.click("[type=submit]")
    page.wait_for_url("**/admin/")


def _look_at(page: Page, web: httpx.Client, path: str, name: str) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{web.base_url}/admin/{path}", wait_until="networkidle")
    width = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png")
    assert (said, width) == ([], 0), path


def _path(template: str, world: World) -> str:
    return template.format(
        account=world.account.pk,
        suggestion=world.suggestion.pk,
        contact=f"shortlinks/contact/{world.contact.pk}/change/",
    )


def test_a_managers_pages(
    shaped: tuple[BrowserContext, str], web: httpx.Client, world: World
) -> None:
    context, shape = shaped
    page = context.new_page()
    manager = world.contact.responsible_user
    assert manager
    _sign_in(page, web, manager, shape[:2])

    for name, template in MANAGERS.items():
        _look_at(page, web, _path(template, world), f"{name}-{shape}")


def test_an_administrators_pages(
    shaped: tuple[BrowserContext, str], web: httpx.Client, world: World
) -> None:
    context, shape = shaped
    page = context.new_page()
    _sign_in(page, web, factories.admin(world.account), shape[:2])

    for name, template in ADMINISTRATORS.items():
        _look_at(page, web, _path(template, world), f"{name}-{shape}")


def test_an_open_arrives_without_reloading(
    page: Page, web: httpx.Client, world: World
) -> None:
    manager = world.contact.responsible_user
    assert manager
    Note.objects.all().delete()
    _sign_in(page, web, manager, "en")
    expect(page.locator("#opened-today")).to_contain_text("Nobody has opened")
    page.evaluate("window.notReloaded = true")

    worlds._note(world.link)

    expect(page.locator("#opened-today")).to_contain_text(world.link.url)
    assert page.evaluate("window.notReloaded")
