"""Workflows of operators, administrators and managers in a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from playwright.sync_api import Browser, Page, expect

from shortlinks.models import Contact, ShortLink, User
from tests import factories
from tests.browser import admin_site
from tests.browser.admin_site import Service
from tests.browser.conftest import TIMEOUT_MS

ARRIVES_WITHIN = 5_000  # milliseconds to wait for, as issue 8 says
NAMES = ("Anna Petrova", "Timur Akhmetov", "Olga Lis")
MANY = 1_000


@pytest.fixture
def service(transactional_db: None, tmp_path: Path) -> Iterator[Service]:
    with admin_site.opened(tmp_path) as opened:
        yield opened


@pytest.fixture
def administrator(transactional_db: None) -> User:
    account = factories.account(name="Shop", time_zone="Europe/Moscow")
    return factories.admin(account, email="boss@shop.example")


@pytest.fixture
def manager(administrator: User) -> User:
    letters = {"contacts_view": "M", "contacts_edit": "M"}
    email = "seller@shop.example"
    return factories.user(administrator.account, email=email, name="Seller", **letters)


def test_onboarding_leads_to_the_first_open(
    page: Page, browser: Browser, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", admin_site.PASSWORD)
    call_command("createsuperuser", email="me@my.example", interactive=False)
    User.objects.update(language="en")
    admin_site.enter(page, service.admin, "me@my.example")

    token = _begin(page)
    page.get_by_role("link", name="Create a link").click()
    [short] = _make_links(page, f"{service.shop}/bread")
    page.get_by_role("link", name="Go to dashboard").click()
    expect(page.locator("#onboarding")).to_contain_text("private window")
    page.evaluate("window.notReloaded = true")
    led_to = admin_site.open_privately(browser, short)

    assert led_to == f"{service.shop}/bread"
    expect(page.locator("#opened-today")).to_contain_text("Me (test)")
    expect(page.locator("#onboarding")).to_contain_text("All done")
    assert page.evaluate("window.notReloaded")
    page.reload()
    expect(page.locator("#onboarding")).to_have_count(0)
    answer = service.api.get("/api/v4/account", headers=_bearer(token))
    assert answer.json()["name"] == "Bakery"


def test_administrator_and_manager_do_their_work(
    page: Page,
    browser: Browser,
    service: Service,
    manager: User,
    tmp_path: Path,
) -> None:
    admin_site.sign_in(page, service.admin, User.objects.get(is_admin=True))
    token = _issue_a_token(page, service)
    _import_contacts(page, service, _table(tmp_path, manager))
    answer = service.api.get("/api/v4/contacts", headers=_bearer(token))
    assert len(answer.json()["_embedded"]["contacts"]) > 0
    assert Contact.objects.count() == MANY

    links = _links_by_hand(page, service)
    assert links.keys() == set(NAMES)
    _see_them_arrive(page, browser, service, links)
    _change_newest_verdict(page, service)
    page.goto(service.admin)
    expect(page.locator("#opened-today")).to_contain_text(NAMES[0])
    expect(page.locator("#opened-today")).not_to_contain_text(NAMES[1])

    page.context.clear_cookies()
    admin_site.sign_in(page, service.admin, manager)
    _find(page, service, "petrova")
    timeline = page.get_by_role("region", name="Timeline")
    for text in ("Opened 1 time", "Link created", f"{service.shop}/sale"):
        expect(timeline).to_contain_text(text)
    codes = ShortLink.objects.values_list("code", flat=True)
    assert [code for code in codes if code in page.content()] == []


def _begin(page: Page) -> str:
    """Create the account, the first token and the first contact."""
    page.get_by_role("link", name="Create account").click()
    page.get_by_label("Your company").fill("Bakery")
    page.get_by_label("Subdomain").fill("bakery")
    page.get_by_role("button", name="Create account").click()
    page.get_by_role("link", name="Create a token").click()
    page.get_by_role("button", name="Save", exact=True).click()
    token = _shown_token(page)
    page.get_by_role("link", name="Add a contact").click()
    page.get_by_role("button", name="Save", exact=True).click()
    return token


def _see_them_arrive(
    page: Page, browser: Browser, service: Service, links: dict[str, str]
) -> None:
    page.goto(service.admin)
    expect(page.locator("#opened-today")).to_contain_text("No opens yet today")
    page.evaluate("window.notReloaded = true")
    for name in NAMES[:2]:
        admin_site.open_privately(browser, links[name])
        arrived = page.locator("#opened-today").get_by_role("link", name=name)
        expect(arrived).to_be_visible(timeout=ARRIVES_WITHIN)
    assert page.evaluate("window.notReloaded")


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _shown_token(page: Page) -> str:
    shown = page.get_by_text("Copy the token now")
    return (shown.text_content() or "").split()[-1]


def _issue_a_token(page: Page, service: Service) -> str:
    page.goto(f"{service.admin}shortlinks/apitoken/add/")
    page.locator(".field-user .select2-selection").click()
    page.locator(".select2-search__field").fill("boss")
    page.get_by_role("option", name="boss@shop.example").or_(
        page.get_by_role("option", name="A manager")
    ).first.click()
    page.get_by_label("Token name").fill("CRM")
    page.locator("[name=scopes][value='contacts:read']").check()
    page.get_by_role("button", name="Save", exact=True).click()
    return _shown_token(page)


def _table(directory: Path, manager: User) -> Path:
    """Write the contacts to search for last, so that the list shows them first."""
    others = [f"Client {number}" for number in range(MANY - len(NAMES))]
    rows = [f"{name},{manager.email}" for name in [*others, *reversed(NAMES)]]
    file = directory / "contacts.csv"
    file.write_text("\n".join(["name,responsible", *rows]))
    return file


def _import_contacts(page: Page, service: Service, file: Path) -> None:
    page.goto(f"{service.admin}import/")
    page.set_input_files("[name=file]", file)
    page.get_by_role("button", name="Upload and check").click()
    _wait_for_text(page, f"New: {MANY}")
    page.get_by_role("button", name="Import", exact=True).click()
    _wait_for_text(page, f"new: {MANY}, updated")


def _wait_for_text(page: Page, text: str) -> None:
    """Wait for the text, without reloading the page."""
    shown = page.locator("#content-main").get_by_text(text)
    expect(shown).to_be_visible(timeout=2 * TIMEOUT_MS)


def _links_by_hand(page: Page, service: Service) -> dict[str, str]:
    page.goto(f"{service.admin}shortlinks/contact/")
    for name in NAMES:
        _tick(page, name)
    admin_site.run_action(page, "Create short links")
    links = _make_links(page, f"{service.shop}/sale")
    whose = page.locator("tbody th").all_text_contents()
    return dict(zip(whose, links, strict=True))


def _make_links(page: Page, url: str) -> list[str]:
    page.get_by_label("Target URL").fill(url)
    page.get_by_role("button", name="Create links").click()
    expect(page.get_by_text("Copy the links now")).to_be_visible()
    return page.locator("code").all_text_contents()


def _change_newest_verdict(page: Page, service: Service) -> None:
    page.goto(f"{service.admin}shortlinks/visit/")
    page.locator("[name=_selected_action]").first.check()
    admin_site.run_action(page, "Change verdict to bot")
    expect(page.get_by_text("Verdicts changed: 1.")).to_be_visible()


def _find(page: Page, service: Service, words: str) -> None:
    page.goto(f"{service.admin}shortlinks/contact/")
    page.locator("#changelist-search [name=q]").fill(words)
    page.locator("#changelist-search [name=q]").press("Enter")
    page.get_by_role("link", name=NAMES[0]).click()


def _tick(page: Page, name: str) -> None:
    page.get_by_role("row", name=name).locator("[name=_selected_action]").check()
