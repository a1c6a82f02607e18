"""Every page in both languages, wide and narrow, light and dark: nothing is refused,
nothing sticks out, nothing hinders (axe-core). With SCREENSHOTS=folder the pictures are
kept there.
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
from tests.admin import worlds
from tests.browser import desk, shop
from tests.browser.conftest import MOST_MILLISECONDS, USER_AGENT
from tests.browser.looking import Looker
from tests.browser.shop import Shop

OF_MANAGERS = ["Contact", "Note", "ShortLink", "Chat", "MergeSuggestion", "Merge"]
# What looks otherwise to managers than to administrators.
OTHERWISE = ["contact", "contacts"]
ADDED = ["apitoken", "integration", "connectedsite", "shortdomain", "group", "user"]


@pytest.fixture(params=["en", "ru"])
def language(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture
def looker(browser: Browser, web: httpx.Client, language: str) -> Iterator[Looker]:
    with browser.new_context(
        user_agent=USER_AGENT,
        locale=language,
        timezone_id=shop.WORDS[language].time_zone,
    ) as context:
        context.set_default_timeout(MOST_MILLISECONDS)
        yield Looker(context.new_page(), f"{web.base_url}/admin/", language)


@pytest.fixture
def furnished(transactional_db: None, language: str) -> Shop:
    return shop.furnish(language)


def _of_model(model: type[Model], row: Model | None) -> Iterator[tuple[str, str]]:
    name = str(model._meta.model_name)
    yield f"shortlinks/{name}/", f"{name}s"
    if row is not None:
        yield f"shortlinks/{name}/{row.pk}/change/", name
    if name in ADDED:
        yield f"shortlinks/{name}/add/", f"{name}-new"


def _pages(furnished: Shop, names: list[str]) -> Iterator[tuple[str, str]]:
    rows = {type(row).__name__: row for row in furnished.rows}
    for model in admin.site._registry:
        if model.__name__ in names:
            yield from _of_model(model, rows.get(model.__name__))


def test_a_managers_pages(looker: Looker, furnished: Shop) -> None:
    looker.enter(furnished.manager)

    looker.goto("", "manager-home")
    for path, name in _pages(furnished, OF_MANAGERS):
        go = looker.goto if name in OTHERWISE else looker.check
        go(path, f"manager-{name}")

    assert not looker.faults, "\n".join(looker.faults)


def test_an_administrators_pages(looker: Looker, furnished: Shop) -> None:
    everything = [name for _, models in navigation.SECTIONS for name in models]
    looker.enter(furnished.administrator)

    looker.goto("?days=30", "home")
    for path, name in _pages(furnished, everything):
        looker.goto(path, name)
    client = f"shortlinks/contact/{furnished.client.pk}"
    looker.goto(f"{client}/history/", "history")
    looker.goto("shortlinks/", "app")
    looker.goto(f"{client}/delete/", "contact-deleted")
    looker.goto("password_change/", "password")

    assert not looker.faults, "\n".join(looker.faults)


def test_what_an_administrator_does(
    looker: Looker, furnished: Shop, tmp_path: Path
) -> None:
    page = looker.page
    looker.enter(furnished.administrator)

    looker.goto("import/", "import-file")
    page.set_input_files("[name=file]", _table(tmp_path, furnished))
    page.locator("#content-main [type=submit]").click()
    _import(page, looker)
    looker.goto("import-users/", "import-rights")
    looker.check("shortlinks/contact/", "contacts-chosen")
    for box in page.locator("[name=_selected_action]").all()[:4]:
        box.check()
    desk.run_action(page, re.compile("Create short links|Создать короткие ссылки"))
    expect(page.locator("[name=url]")).to_be_visible()
    looker.look("links-by-hand")
    page.locator("[name=url]").fill("https://shop.example/autumn")
    page.locator("#content-main [type=submit]").click()
    expect(page.locator("code").first).to_be_visible()
    looker.look("links-made")

    assert not looker.faults, "\n".join(looker.faults)


def _import(page: Page, looker: Looker) -> None:
    """What a worker does is done here, so that each stage can be looked at."""
    expect(page.locator("#content-main progress")).to_be_visible()
    looker.look("import-progress")
    importing.work_off()
    expect(page.locator("#content-main table")).to_be_visible()
    looker.look("import-preview")
    page.locator("#content-main form").first.locator("[formaction*=store]").click()
    expect(page.locator("#content-main progress")).to_be_visible()
    importing.work_off()
    expect(page.locator("#content-main table")).to_be_visible()
    looker.look("import-finished")


def test_a_fresh_installations_pages(looker: Looker, transactional_db: None) -> None:
    operator = factories.user(None, is_superuser=True, email="me@my.example", name="")

    looker.goto("", "login")
    looker.enter(operator)
    looker.goto("", "first-steps")
    looker.goto("onboarding/account/", "first-account")
    looker.goto("link-lookup/", "whose")
    looker.check("shortlinks/note/", "notes-none")
    looker.check("shortlinks/group/?q=x", "groups-not-found")

    assert not looker.faults, "\n".join(looker.faults)


def _table(directory: Path, furnished: Shop) -> Path:
    """New ones, known ones and faulty ones."""
    known = Contact.objects.filter(account=furnished.account).order_by("pk")[:3]
    rows = [f"{row.entity_id},{row.name},{furnished.manager.email}" for row in known]
    names = shop.WORDS[furnished.account.language].people
    rows += [f"{60_000 + n},{name}," for n, name in enumerate(reversed(names[-9:]))]
    rows += [f"A-17,{names[4]},", f"60100,{names[5]},nobody@shop.example"]
    file = directory / "contacts.csv"
    file.write_text("\n".join(["entity_id,name,responsible", *rows]))
    return file


def test_an_open_arrives_without_reloading(
    page: Page, web: httpx.Client, transactional_db: None
) -> None:
    account = factories.account(time_zone="Europe/Moscow")
    manager = factories.user(account, contacts_view="M", contacts_edit="M")
    link = factories.link(factories.contact(account, responsible_user=manager))
    desk.sign_in(page, f"{web.base_url}/admin/", manager)
    expect(page.locator("#opened-today")).to_contain_text("Nobody has opened")
    page.evaluate("window.notReloaded = true")

    worlds._note(link)

    expect(page.locator("#opened-today")).to_contain_text(link.url)
    expect(page.get_by_role("status").first).to_contain_text("has opened a link")
    assert page.evaluate("window.notReloaded")
