"""The whole story in a browser: link, site, chat, suggestion, merge.

The short host and the shop are different sites, and third-party cookies are blocked.
"""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from deploy import env_file
from devserver import demo_site, ports
from shortlinks.domain.merging import queue, suggestions
from shortlinks.models import (
    Chat,
    ConnectedSite,
    Contact,
    Merge,
    MergeSuggestion,
    Note,
    Redemption,
    ShortLink,
    User,
    Visit,
)
from tests import factories, services
from tests.browser import conftest
from tests.services import ROOT, Process

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Shop:
    """Customer with a connected site, to which `link` leads the client."""

    owner: User
    client: Contact
    link: ShortLink
    origin: str
    short: str

    @property
    def short_url(self) -> str:
        return f"{self.short}/{self.link.code}"


@contextlib.contextmanager
def site_of(directory: Path, port: int, demo: dict[str, str]) -> Iterator[None]:
    env_file.write(directory / "demo.env", demo)
    program = demo_site.program(port, ROOT, directory / "demo.env")
    process = Process(program, directory / "shop.log")
    try:
        services.wait_for(lambda: not ports.is_free(port))
        yield
    finally:
        process.stop()


@pytest.fixture
def owner(transactional_db: None) -> User:
    account = factories.account(language="en", time_zone="UTC")
    owner = factories.admin(account, language="en")
    owner.set_password(PASSWORD)
    owner.save()
    return owner


@pytest.fixture
def shop(web: httpx.Client, tmp_path: Path, owner: User) -> Iterator[Shop]:
    assert owner.account is not None
    client = factories.contact(owner.account, entity_id=7, name="Anna Petrova")
    port = services.free_port()
    origin = f"http://shop.test:{port}"
    site = ConnectedSite.objects.create(account=owner.account, origin=origin)
    link = factories.link(client, f"{origin}/?page=1#offer")
    with services.redirects_server(tmp_path) as server, services.worker(tmp_path):
        short = f"http://go.links.test:{server.port}"
        demo = {
            "BASE_URL": str(web.base_url).rstrip("/"),
            "SHORT_BASE_URL": short,
            "SITE_KEY": site.site_key,
            "TOKEN": factories.token(owner),
        }
        with site_of(tmp_path, port, demo):
            yield Shop(owner, client, link, origin, short)


def write_to_the_shop(page: Page) -> None:
    page.fill("#text", "Is it still on sale?")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#log")).to_contain_text("Chat #")


def open_link(page: Page, shop: Shop) -> None:
    page.goto(shop.short_url)
    expect(page.locator("#uid")).not_to_have_text("…")


def start_another_chat(page: Page) -> None:
    page.evaluate("localStorage.removeItem('chat')")
    page.reload()
    expect(page.locator("#uid")).not_to_have_text("…")
    write_to_the_shop(page)


def suggestion() -> MergeSuggestion:
    """Wait until no burst is possible, and process checks as beat does."""

    def is_suggested() -> bool:
        queue.process_due()
        return MergeSuggestion.objects.exists()

    services.wait_for(is_suggested, seconds=20)
    return MergeSuggestion.objects.get()


def test_chats_join_the_contact_after_a_user_accepted_one(
    page: Page, shop: Shop
) -> None:
    open_link(page, shop)
    assert page.url == f"{shop.origin}/?page=1#offer"
    expect(page.locator("#uid")).to_have_text(re.compile("^[a-z2-7]{26}$"))
    write_to_the_shop(page)
    assert suggestion().rule == "R9"
    suggestions.accept(suggestion(), by=shop.owner)

    start_another_chat(page)

    chat = Chat.objects.select_related("contact__merged_into").latest("pk")
    assert chat.contact.root == shop.client
    assert chat.contact.is_anonymous
    expect(page.locator("#log")).to_contain_text("of contact 7")
    notes = Note.objects.filter(note_type="service_message", contact=shop.client)
    assert f"opened {shop.origin}/?page=1#offer" in notes.latest("pk").text


def test_undo_in_the_admin_separates_the_chat(
    page: Page, shop: Shop, web: httpx.Client
) -> None:
    open_link(page, shop)
    write_to_the_shop(page)
    suggestions.accept(suggestion(), by=shop.owner)
    chat = Chat.objects.select_related("contact").get()
    merge = Merge.objects.get()

    sign_in(page, web, shop.owner)
    page.goto(f"{web.base_url}/admin/shortlinks/contact/{shop.client.pk}/change/")
    expect(page.locator("body")).to_contain_text("A visitor → Anna Petrova")
    page.goto(f"{web.base_url}/admin/shortlinks/merge/{merge.pk}/change/")
    page.get_by_role("button", name="Undo").click()

    expect(page.locator("body")).to_contain_text("Merge undone.")
    chat.contact.refresh_from_db()
    assert chat.contact.merged_into is None


def sign_in(page: Page, web: httpx.Client, user: User) -> None:
    page.goto(f"{web.base_url}/admin/")
    page.fill("[name=username]", user.email)
    page.fill("[name=password]", PASSWORD)
    page.click("[type=submit]")


def test_chat_before_processing_is_suggested_within_seconds(
    page: Page, shop: Shop
) -> None:
    open_link(page, shop)
    write_to_the_shop(page)

    assert shop.client in {suggestion().one, suggestion().other}


def test_gesture_on_the_page_is_sent_once(page: Page, shop: Shop) -> None:
    open_link(page, shop)

    page.mouse.click(5, 5)
    page.mouse.click(6, 6)

    services.wait_for(lambda: Redemption.objects.exclude(gesture_at=None).exists())


def test_copied_address_identifies_nobody(
    page: Page, shop: Shop, browser: Browser
) -> None:
    """Check also that another browser cannot use the token in the address."""
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    open_link(page, shop)
    [with_token] = [url for url in addresses if "_sl=" in url and "/?" in url]

    with browser.new_context(user_agent=conftest.USER_AGENT) as another:
        stranger = another.new_page()
        stranger.goto(with_token)
        expect(stranger.locator("#uid")).to_have_text("unknown")
        assert "_sl" not in stranger.url
        write_to_the_shop(stranger)

    assert Chat.objects.get().contact.root != shop.client
    assert Redemption.objects.count() == 1


def test_visitor_with_gpc_is_not_recognized_but_counted(
    browser: Browser, shop: Shop
) -> None:
    """Check Global Privacy Control: a note, but no cookie, token or merge."""
    headers = {"Sec-GPC": "1"}
    with browser.new_context(
        user_agent=conftest.USER_AGENT, extra_http_headers=headers
    ) as context:
        context.add_init_script(
            "Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})"
        )
        page = context.new_page()
        addresses: list[str] = []
        page.on("request", lambda request: addresses.append(request.url))
        open_link(page, shop)
        write_to_the_shop(page)
        cookies = context.cookies()

    assert [c for c in cookies if c["name"] in {"slpx", "slpx_uid"}] == []
    assert not [url for url in addresses if "_sl=" in url]
    services.wait_for(
        lambda: Note.objects.filter(note_type="link_followed", contact=shop.client)
    )
    assert Visit.objects.get().verdict == "person"
    assert not Merge.objects.exists()
    assert Chat.objects.get().contact.root != shop.client


def test_opt_out_on_the_short_host_ends_recognition(
    page: Page, visitor: BrowserContext, shop: Shop
) -> None:
    page.goto(f"{shop.short}/privacy")
    page.get_by_role("button").click()
    expect(page.locator("body")).to_contain_text("Ваш браузер не узнаётся")

    open_link(page, shop)
    write_to_the_shop(page)

    expect(page.locator("#uid")).to_have_text("unknown")
    assert [c for c in visitor.cookies() if c["name"] == "slpx"] == []
    assert not Merge.objects.exists()
