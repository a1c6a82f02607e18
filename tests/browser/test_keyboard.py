"""Keyboard access to the admin."""

import httpx
import pytest
from playwright.sync_api import Page, expect

from shortlinks.models import User
from tests import factories
from tests.admin import fixtures_full_account
from tests.browser import admin_site


@pytest.fixture
def manager(transactional_db: None) -> User:
    account = factories.account()
    return factories.user(account, contacts_view="M", contacts_edit="M")


@pytest.fixture
def home(page: Page, web: httpx.Client, manager: User) -> Page:
    admin_site.sign_in(page, f"{web.base_url}/admin/", manager)
    return page


def test_first_tab_offers_to_skip_the_menu(home: Page) -> None:
    home.keyboard.press("Tab")
    expect(home.get_by_text("Skip to content")).to_be_focused()
    expect(home.get_by_text("Skip to content")).to_be_in_viewport()

    home.keyboard.press("Enter")

    assert home.url.endswith("#content")


def test_user_menu_opens_by_keyboard(home: Page) -> None:
    menu = home.locator("[role=button]", has_text="A manager")

    menu.focus()
    home.keyboard.press("Enter")

    expect(home.get_by_role("button", name="Log out")).to_be_visible()
    home.locator("[role=button]", has_text="Dark").press("Enter")
    expect(home.locator("html")).to_have_class("dark")


def test_focus_stays_on_its_link_after_a_refresh(home: Page, manager: User) -> None:
    assert manager.account
    first, second = (
        factories.contact(manager.account, name=name, responsible_user=manager)
        for name in ("Anna", "Boris")
    )
    fixtures_full_account._note(factories.link(first))
    home.get_by_role("link", name="Anna").focus()

    fixtures_full_account._note(factories.link(second))

    expect(home.get_by_role("link", name="Boris")).to_be_visible()
    expect(home.get_by_role("link", name="Anna")).to_be_focused()


def test_search_field_has_an_accessible_name(
    page: Page, web: httpx.Client, transactional_db: None
) -> None:
    admin = factories.admin(factories.account())
    admin_site.sign_in(page, f"{web.base_url}/admin/", admin)

    page.goto(f"{web.base_url}/admin/shortlinks/apitoken/add/")

    expect(page.get_by_role("combobox", name="User")).to_be_visible()
