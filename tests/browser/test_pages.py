"""Every page in both languages, widths and themes: console, overflow and axe-core.

SCREENSHOTS=folder stores the screenshots there.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from django.contrib import admin
from django.db.models import Model
from playwright.sync_api import Browser, Page, expect

from shortlinks.admin import navigation
from shortlinks.models import Contact
from tests import factories, importing
from tests.admin import fixtures_full_account
from tests.browser import admin_site, demo_shop
from tests.browser.conftest import TIMEOUT_MS, USER_AGENT
from tests.browser.demo_shop import Shop
from tests.browser.page_checks import PageChecker

OF_MANAGERS = ["Contact", "Note", "ShortLink", "Chat", "MergeSuggestion", "Merge"]
POLL = "**/admin/opened-today/"
HOLD_REQUESTS = """
    const send = fetch;
    const released = new Promise((resolve) => (window.release = resolve));
    window.fetch = async (...request) => (await released, send(...request));
"""
# Pages that differ between managers and administrators.
OTHERWISE = ["contact", "contacts"]
ADDED = [
    *("apitoken", "integration", "webhook", "connectedsite", "shortdomain"),
    *("group", "user"),
]


@pytest.fixture(params=["en", "ru"])
def language(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture
def checker(
    browser: Browser, web: httpx.Client, language: str
) -> Iterator[PageChecker]:
    with browser.new_context(
        user_agent=USER_AGENT,
        locale=language,
        timezone_id=demo_shop.WORDS[language].time_zone,
    ) as context:
        context.set_default_timeout(TIMEOUT_MS)
        yield PageChecker(context.new_page(), f"{web.base_url}/admin/", language)


@pytest.fixture
def furnished(transactional_db: None, language: str) -> Shop:
    return demo_shop.furnish(language)


def _of_model(model: type[Model], row: Model | None) -> Iterator[tuple[str, str]]:
    name = str(model._meta.model_name)
    plural = f"{name}s".replace("ys", "ies")
    yield f"shortlinks/{name}/", plural
    if row is not None:
        yield f"shortlinks/{name}/{row.pk}/change/", name
    if name in ADDED:
        yield f"shortlinks/{name}/add/", f"{name}-new"


def _pages(furnished: Shop, names: list[str]) -> Iterator[tuple[str, str]]:
    rows = {type(row).__name__: row for row in furnished.rows}
    for model in admin.site._registry:
        if model.__name__ in names:
            yield from _of_model(model, rows.get(model.__name__))


def test_pages_of_a_manager(checker: PageChecker, furnished: Shop) -> None:
    checker.enter(furnished.manager)

    checker.goto("", "manager-dashboard")
    for path, name in _pages(furnished, OF_MANAGERS):
        go = checker.goto if name in OTHERWISE else checker.check
        go(path, f"manager-{name}")

    assert not checker.problems, "\n".join(checker.problems)


def test_pages_of_an_administrator(checker: PageChecker, furnished: Shop) -> None:
    everything = [name for _, models in navigation.SECTIONS for name in models]
    checker.enter(furnished.administrator)

    checker.goto("?days=30", "dashboard")
    for path, name in _pages(furnished, everything):
        checker.goto(path, name)
    client = f"shortlinks/contact/{furnished.client.pk}"
    checker.goto(f"{client}/history/", "history")
    checker.goto("shortlinks/", "app")
    checker.goto(f"{client}/delete/", "contact-deleted")
    checker.goto(f"{client}/personal_data/", "personal-data")
    checker.goto("password_change/", "password")

    assert not checker.problems, "\n".join(checker.problems)


def test_pages_of_actions(
    checker: PageChecker, furnished: Shop, tmp_path: Path
) -> None:
    page = checker.page
    checker.enter(furnished.administrator)

    checker.goto("import/", "import-file")
    page.set_input_files("[name=file]", _table(tmp_path, furnished))
    page.locator("#content-main [type=submit]").click()
    _import(page, checker)
    checker.goto("import-users/", "import-users")
    checker.check("shortlinks/contact/", "contacts-chosen")
    for box in page.locator("[name=_selected_action]").all()[:4]:
        box.check()
    admin_site.run_action(
        page, re.compile("Create short links|Создать короткие ссылки")
    )
    expect(page.locator("[name=url]")).to_be_visible()
    checker.look("create-links")
    page.locator("[name=url]").fill("https://shop.example/autumn")
    page.locator("#content-main [type=submit]").click()
    expect(page.locator("code").first).to_be_visible()
    checker.look("created-links")

    assert not checker.problems, "\n".join(checker.problems)


def _import(page: Page, checker: PageChecker) -> None:
    """Check each stage of an import, without a worker."""
    expect(page.locator("#content-main progress")).to_be_visible()
    checker.look("import-progress")
    importing.run_all()
    expect(page.locator("#content-main table")).to_be_visible()
    checker.look("import-preview")
    page.locator("#content-main form").first.locator("[formaction*=store]").click()
    expect(page.locator("#content-main progress")).to_be_visible()
    importing.run_all()
    expect(page.locator("#content-main table")).to_be_visible()
    checker.look("import-finished")


def test_pages_of_a_new_installation(
    checker: PageChecker, transactional_db: None
) -> None:
    operator = factories.user(None, is_superuser=True, email="me@my.example", name="")

    checker.goto("", "login")
    checker.enter(operator)
    checker.goto("", "onboarding")
    checker.goto("onboarding/account/", "first-account")
    checker.goto("link-lookup/", "link-lookup")
    checker.check("shortlinks/note/", "notes-none")
    checker.check("shortlinks/group/?q=x", "groups-not-found")

    assert not checker.problems, "\n".join(checker.problems)


def _table(directory: Path, furnished: Shop) -> Path:
    """Write a table with new, existing and invalid rows."""
    known = Contact.objects.filter(account=furnished.account).order_by("pk")[:3]
    rows = [f"{row.entity_id},{row.name},{furnished.manager.email}" for row in known]
    names = demo_shop.WORDS[furnished.account.language].people
    rows += [f"{60_000 + n},{name}," for n, name in enumerate(reversed(names[-9:]))]
    rows += [f"A-17,{names[4]},", f"60100,{names[5]},nobody@shop.example"]
    file = directory / "contacts.csv"
    file.write_text("\n".join(["entity_id,name,responsible", *rows]))
    return file


def test_new_open_appears_without_reloading(
    page: Page, web: httpx.Client, transactional_db: None
) -> None:
    account = factories.account(time_zone="Europe/Moscow")
    manager = factories.user(account, contacts_view="M", contacts_edit="M")
    link = factories.link(factories.contact(account, responsible_user=manager))
    admin_site.sign_in(page, f"{web.base_url}/admin/", manager)
    expect(page.locator("#opened-today")).to_contain_text("No opens yet today")
    page.evaluate("window.notReloaded = true")

    fixtures_full_account._note(link)

    expect(page.locator("#opened-today")).to_contain_text(link.url)
    expect(page.get_by_role("status").first).to_contain_text("opened a link")
    assert page.evaluate("window.notReloaded")


def test_open_before_the_first_poll_appears(
    page: Page, web: httpx.Client, transactional_db: None
) -> None:
    account = factories.account()
    manager = factories.user(account, contacts_view="M", contacts_edit="M")
    link = factories.link(factories.contact(account, responsible_user=manager))

    page.add_init_script(HOLD_REQUESTS)
    admin_site.sign_in(page, f"{web.base_url}/admin/", manager)
    expect(page.locator("#opened-today")).to_contain_text("No opens yet today")

    fixtures_full_account._note(link)
    page.evaluate("release()")

    expect(page.locator("#opened-today")).to_contain_text(link.url)


def test_poll_without_news_changes_nothing(
    page: Page, web: httpx.Client, transactional_db: None
) -> None:
    account = factories.account()
    admin_site.sign_in(page, f"{web.base_url}/admin/", factories.admin(account))
    page.evaluate(
        """() => {
            window.changes = 0;
            const seen = new MutationObserver((all) => (window.changes += all.length));
            for (const part of document.querySelectorAll("[data-refresh]"))
                seen.observe(part, { childList: true });
        }"""
    )

    for _ in range(2):
        with page.expect_response(POLL):
            pass

    assert page.evaluate("window.changes") == 0
