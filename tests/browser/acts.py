"""Acts of a visitor on a page with the short link `#link`, for `ways_of_opening`."""

from playwright.sync_api import Page, expect

from shortlinks.models import Visit
from tests import services

LANDED = "Landed"  # on the page of the link's URL


def landed(page: Page) -> None:
    expect(page.locator("h1")).to_have_text(LANDED)


def wait_to_land(page: Page, link: str) -> None:
    landed(page)


def enter_address(page: Page, link: str) -> None:
    page.goto(link)
    landed(page)


def click(page: Page, link: str) -> None:
    page.click("#link")
    landed(page)


def submit(page: Page, link: str) -> None:
    page.click("#link")


def press_enter(page: Page, link: str) -> None:
    page.focus("#link")
    page.keyboard.press("Enter")
    landed(page)


def click_for_new_tab(page: Page, link: str) -> None:
    with page.expect_popup() as popup:
        page.click("#link")
    landed(popup.value)


def click_middle(page: Page, link: str) -> None:
    with page.context.expect_page() as tab:
        page.click("#link", button="middle")
    landed(tab.value)


def click_with_shift(page: Page, link: str) -> None:
    with page.context.expect_page() as window:
        page.click("#link", modifiers=["Shift"])
    landed(window.value)


def click_within_frame(page: Page, link: str) -> None:
    page.frame_locator("iframe").locator("#link").click()


def click_out_of_frame(page: Page, link: str) -> None:
    click_within_frame(page, link)
    landed(page)


def go_back(page: Page) -> None:
    """Return to the page with the link; from the cache, it has no event "load"."""
    page.go_back(wait_until="commit")
    expect(page.locator("#link")).to_be_visible()


def click_twice(page: Page, link: str) -> None:
    click(page, link)
    go_back(page)
    click(page, link)


def go_back_and_forward(page: Page, link: str) -> None:
    click(page, link)
    go_back(page)
    page.go_forward(wait_until="commit")
    landed(page)


def reload(page: Page, link: str) -> None:
    click(page, link)
    page.reload()
    landed(page)


def print_page(page: Page, link: str) -> None:
    click(page, link)
    page.emulate_media(media="print")
    page.pdf()


def view_source(page: Page, link: str) -> None:
    page.goto(f"view-source:{link}")


def save_target(page: Page, link: str) -> None:
    with page.expect_download():
        page.click("#link", modifiers=["Alt"])


def wait_for_visit(page: Page, link: str) -> None:
    """Stay on the page: Chromium prepares nothing for a tab in the background."""
    code = link.rpartition("/")[2]
    services.wait_for(Visit.objects.filter(link__code=code).exists)


def click_when_prepared(page: Page, link: str) -> None:
    wait_for_visit(page, link)
    click(page, link)


def click_through_worker(page: Page, link: str) -> None:
    page.wait_for_function("navigator.serviceWorker.controller")
    click(page, link)


def wait_for_worker(page: Page, link: str) -> None:
    page.wait_for_function("window.done")
