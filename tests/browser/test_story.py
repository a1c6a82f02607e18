"""The whole story: link, site, chat, and the chat joins the contact (pixel §1.3, R3).

The short host and the shop are different sites, and cookies of third parties blocked.
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
from shortlinks.models import (
    Chat,
    ConnectedSite,
    Contact,
    Merge,
    Note,
    PixelAttachment,
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
    """A customer whose site is connected; `link` leads the client there."""

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
    with services.redirects_door(tmp_path) as door, services.worker(tmp_path):
        short = f"http://go.links.test:{door.client.base_url.port}"
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


def test_the_chat_joins_the_contact_and_is_given_back(
    page: Page, shop: Shop, web: httpx.Client
) -> None:
    open_link(page, shop)

    assert page.url == f"{shop.origin}/?page=1#offer"
    expect(page.locator("#uid")).to_have_text(re.compile("^[a-z2-7]{26}$"))
    services.wait_for(lambda: PixelAttachment.objects.exists(), seconds=4)
    write_to_the_shop(page)

    chat = Chat.objects.select_related("contact__merged_into").get()
    assert chat.contact.root == shop.client
    assert chat.contact.is_anonymous
    expect(page.locator("#log")).to_contain_text("of contact 7")
    told = Note.objects.get(note_type="service_message", contact=shop.client)
    assert f"opened {shop.origin}/?page=1#offer" in told.text
    sign_in(page, web, shop.owner)
    page.goto(f"{web.base_url}/admin/shortlinks/contact/{shop.client.pk}/change/")
    expect(page.locator("body")).to_contain_text("A visitor → Anna Petrova")
    page.goto(f"{web.base_url}/admin/shortlinks/merge/{Merge.objects.get().pk}/change/")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("body")).to_contain_text("They are two again.")
    chat.contact.refresh_from_db()
    assert chat.contact.merged_into is None


def sign_in(page: Page, web: httpx.Client, user: User) -> None:
    page.goto(f"{web.base_url}/admin/")
    page.fill("[name=username]", user.email)
    page.fill("[name=password]", PASSWORD)
    page.click("[type=submit]")


def test_a_chat_before_the_follow_up_joins_within_seconds(
    page: Page, shop: Shop
) -> None:
    open_link(page, shop)
    write_to_the_shop(page)

    services.wait_for(lambda: Chat.objects.get().contact.root == shop.client, seconds=4)


def test_a_hand_on_the_page_is_told_once(page: Page, shop: Shop) -> None:
    open_link(page, shop)

    page.mouse.click(5, 5)
    page.mouse.click(6, 6)

    services.wait_for(lambda: Redemption.objects.exclude(gesture_at=None).exists())


def test_a_copied_address_links_nothing(
    page: Page, shop: Shop, browser: Browser
) -> None:
    """Also while the token is in it: it is worth nothing to another browser."""
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    open_link(page, shop)
    [with_token] = [url for url in addresses if "_sl=" in url and "/?" in url]

    with browser.new_context(user_agent=conftest.USER_AGENT) as another:
        stranger = another.new_page()
        stranger.goto(with_token)
        expect(stranger.locator("#uid")).to_have_text("nobody we know")
        assert "_sl" not in stranger.url
        write_to_the_shop(stranger)

    assert Chat.objects.get().contact.root != shop.client
    assert Redemption.objects.count() == 1


def test_who_objects_is_not_recognised_and_has_opened_all_the_same(
    browser: Browser, shop: Shop
) -> None:
    """With Global Privacy Control: no cookie, no token, no merge; the note is there."""
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


def test_opting_out_on_the_short_host_ends_it(
    page: Page, visitor: BrowserContext, shop: Shop
) -> None:
    page.goto(f"{shop.short}/privacy")
    page.get_by_role("button").click()
    expect(page.locator("body")).to_contain_text("Ваш браузер не узнаётся")

    open_link(page, shop)
    write_to_the_shop(page)

    expect(page.locator("#uid")).to_have_text("nobody we know")
    assert [c for c in visitor.cookies() if c["name"] == "slpx"] == []
    assert not Merge.objects.exists()
