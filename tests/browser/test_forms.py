"""Forms in a browser: session over, two tabs, leaving, double click."""

from collections.abc import Callable

import httpx
import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Dialog, Page, expect

from shortlinks.models import ApiToken, Contact, User
from tests import factories
from tests.browser import admin_site

ADD_CONTACT = "/admin/shortlinks/contact/add/"
ADD_TOKEN = "/admin/shortlinks/apitoken/add/"
PAINTED = "new Promise(go => requestAnimationFrame(() => requestAnimationFrame(go)))"


@pytest.fixture
def administrator(transactional_db: None) -> User:
    return factories.admin(factories.account(), email="boss@shop.example")


@pytest.fixture
def goto(page: Page, web: httpx.Client, administrator: User) -> Callable[[str], None]:
    admin_site.sign_in(page, f"{web.base_url}/admin/", administrator)

    def open_(path: str) -> None:
        page.goto(f"{web.base_url}{path}")

    return open_


def _save(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()


def test_entries_survive_the_end_of_the_session(
    page: Page, goto: Callable[[str], None], administrator: User
) -> None:
    goto(ADD_CONTACT)
    page.fill("[name=name]", "Anna")
    Session.objects.all().delete()

    _save(page)
    # In the browser's language, because nobody is signed in.
    expect(page.get_by_text("Сеанс завершён")).to_be_visible()
    page.fill("[name=username]", administrator.email)
    page.fill("[name=password]", admin_site.PASSWORD)
    page.click("#login-form [type=submit]")

    expect(page.get_by_text("was added successfully")).to_be_visible()
    assert Contact.objects.get().name == "Anna"


def test_entries_survive_a_sign_in_in_another_tab(
    page: Page, goto: Callable[[str], None], administrator: User, web: httpx.Client
) -> None:
    goto(ADD_CONTACT)
    page.fill("[name=name]", "Anna")
    page.context.clear_cookies(name="sessionid")
    other = page.context.new_page()
    admin_site.enter(other, f"{web.base_url}/admin/", administrator.email)

    _save(page)
    page.get_by_role("button", name="Continue").click()

    expect(page.get_by_text("was added successfully")).to_be_visible()
    assert Contact.objects.get().name == "Anna"


def test_leaving_an_edited_form_asks(page: Page, goto: Callable[[str], None]) -> None:
    asked: list[str] = []

    def note(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", note)
    goto(ADD_CONTACT)
    page.locator("[name=name]").click()
    goto(ADD_TOKEN)
    assert asked == []

    page.locator("[name=name]").press_sequentially("CRM")
    goto(ADD_CONTACT)
    assert asked == ["beforeunload"]

    page.locator("[name=name]").press_sequentially("Anna")
    _save(page)
    expect(page.get_by_text("was added successfully")).to_be_visible()
    assert asked == ["beforeunload"]


def test_double_click_creates_one_token_and_shows_it(
    page: Page, goto: Callable[[str], None], administrator: User
) -> None:
    goto(f"{ADD_TOKEN}?user={administrator.pk}&name=CRM")

    page.get_by_role("button", name="Save", exact=True).dblclick()

    expect(page.get_by_text("Copy the token now")).to_be_visible()
    assert ApiToken.objects.count() == 1
