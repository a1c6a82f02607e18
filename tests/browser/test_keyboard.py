"""The admin without a mouse."""

import httpx
import pytest
from playwright.sync_api import Page, expect

from shortlinks.models import User
from tests import factories
from tests.admin import worlds
from tests.browser import desk


@pytest.fixture
def manager(transactional_db: None) -> User:
    account = factories.account()
    return factories.user(account, contacts_view="M", contacts_edit="M")


@pytest.fixture
def home(page: Page, web: httpx.Client, manager: User) -> Page:
    desk.sign_in(page, f"{web.base_url}/admin/", manager)
    return page


def test_the_first_key_skips_the_menu(home: Page) -> None:
    home.keyboard.press("Tab")
    expect(home.get_by_text("Skip to the content")).to_be_focused()
    expect(home.get_by_text("Skip to the content")).to_be_in_viewport()

    home.keyboard.press("Enter")

    assert home.url.endswith("#content")


def test_the_users_menu_opens_by_a_key(home: Page) -> None:
    menu = home.locator("[role=button]", has_text="A manager")

    menu.focus()
    home.keyboard.press("Enter")

    expect(home.get_by_role("button", name="Log out")).to_be_visible()
    home.locator("[role=button]", has_text="Dark").press("Enter")
    expect(home.locator("html")).to_have_class("dark")


def test_the_focus_stays_on_the_link_it_is_on(home: Page, manager: User) -> None:
    assert manager.account
    first, second = (
        factories.contact(manager.account, name=name, responsible_user=manager)
        for name in ("Anna", "Boris")
    )
    worlds._note(factories.link(first))
    home.get_by_role("link", name="Anna").focus()

    worlds._note(factories.link(second))

    expect(home.get_by_role("link", name="Boris")).to_be_visible()
    expect(home.get_by_role("link", name="Anna")).to_be_focused()


def test_a_field_with_a_search_is_named(
    page: Page, web: httpx.Client, transactional_db: None
) -> None:
    admin = factories.admin(factories.account())
    desk.sign_in(page, f"{web.base_url}/admin/", admin)

    page.goto(f"{web.base_url}/admin/shortlinks/apitoken/add/")

    expect(page.get_by_role("combobox", name="User")).to_be_visible()
