"""A visitor and an administrator see and erase personal data, in both languages."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from shortlinks.domain.personal_data import erasure
from shortlinks.models import Account, Contact, Note, Pixel
from tests import factories, services
from tests.browser import admin_site
from tests.browser.admin_site import Service
from tests.browser.conftest import TIMEOUT_MS, USER_AGENT

PHONE: ViewportSize = {"width": 390, "height": 844}
FITS = "document.documentElement.scrollWidth <= innerWidth"
WORDS = {
    "en": {
        "stored": "Stored about this browser",
        "download": "Download as a file",
        "erase": "Erase, and do not recognize this browser",
        "off": "Your browser is not recognized",
        "nothing": "Nothing that we could find",
        "data": "Personal data: show, export, erase",
        "for good": "Erase for good. This cannot be undone.",
        "erase person": "Erase this person",
        "notes": "Notes: 1",
    },
    "ru": {
        "stored": "Что хранится об этом браузере",
        "download": "Скачать файлом",
        "erase": "Удалить и больше не узнавать этот браузер",
        "off": "Ваш браузер не узнаётся",
        "nothing": "Ничего не найдено",
        "data": "Персональные данные: показать, выгрузить, уничтожить",
        "for good": "Уничтожить безвозвратно. Отменить это нельзя.",
        "erase person": "Уничтожить данные",
        "notes": "Примечания: 1",
    },
}


@pytest.fixture
def service(transactional_db: None, tmp_path: Path) -> Iterator[Service]:
    with admin_site.opened(tmp_path) as opened:
        yield opened


@pytest.fixture
def account(transactional_db: None) -> Account:
    return factories.account()


@pytest.fixture(params=["en", "ru"])
def language(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture
def phone(browser: Browser, language: str) -> Iterator[BrowserContext]:
    with browser.new_context(
        user_agent=USER_AGENT, locale=language, viewport=PHONE
    ) as context:
        context.set_default_timeout(TIMEOUT_MS)
        yield context


def open_link(page: Page, service: Service, contact: Contact) -> str:
    """Open a link of the contact, and return the address of the short host."""
    link = factories.link(contact, f"{service.shop}/sale")
    page.goto(f"{service.short}/{link.code}")
    services.wait_for(lambda: Note.objects.filter(contact=contact))
    return service.short


def test_visitor_erases_what_is_stored_about_the_browser(
    phone: BrowserContext, service: Service, account: Account, language: str
) -> None:
    words, page = WORDS[language], phone.new_page()
    short = open_link(page, service, factories.contact(account, name="Zimmermann"))
    services.wait_for(Pixel.objects.exists)

    page.goto(f"{short}/privacy")
    expect(page.get_by_role("heading", name=words["stored"])).to_be_visible()
    expect(page.get_by_role("listitem")).to_contain_text("shop.test")
    assert page.evaluate(FITS)
    assert "Zimmermann" not in page.content()
    with page.expect_download() as download:
        page.get_by_role("link", name=words["download"]).click()
    assert len(json.loads(download.value.path().read_text())["opens"]) == 1

    page.get_by_role("button", name=words["erase"]).click()

    expect(page.get_by_role("heading", name=words["off"])).to_be_visible()
    expect(page.locator("body")).to_contain_text(words["nothing"])
    assert page.evaluate(FITS)
    assert not Pixel.objects.exists()
    assert Note.objects.get().opens == 1


def test_administrator_erases_a_person_and_gets_a_receipt(
    phone: BrowserContext, service: Service, account: Account, language: str
) -> None:
    words, page = WORDS[language], phone.new_page()
    contact = factories.contact(account, name="Petra Zimmermann")
    open_link(page, service, contact)
    admin = factories.admin(account)
    admin_site.sign_in(page, service.admin, admin, language)
    page.goto(f"{service.admin}shortlinks/contact/{contact.pk}/change/")

    page.get_by_role("link", name=words["data"]).click()
    expect(page.locator("#content-main")).to_contain_text("Petra Zimmermann")
    assert page.evaluate(FITS)
    page.get_by_label(words["for good"]).check()
    page.get_by_role("button", name=words["erase person"]).click()
    page.wait_for_url("**/erasure/*/change/")
    services.wait_for(lambda: erasure.run_due(time.monotonic() + 60))
    page.reload()

    expect(page.locator("#content-main")).to_contain_text(words["notes"])
    assert page.evaluate(FITS)
    assert "Zimmermann" not in page.content()
    assert Contact.objects.get().name == ""
