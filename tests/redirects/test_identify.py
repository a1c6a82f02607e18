"""Redemption of clicks and gestures by `/pixel/v1/identify`."""

import time
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.utils import timezone
from uuid_utils.compat import uuid7

from shortlinks.domain.pixels import attachments
from shortlinks.domain.pixels.click_tokens import ClickTokens
from shortlinks.domain.visits import click_processing, processing
from shortlinks.models import (
    Account,
    Contact,
    PixelAttachment,
    Redemption,
    ShortLink,
    Visit,
)
from tests import factories, services
from tests.redirects import customer_pages
from tests.redirects.customer_pages import Page

NO_UID = {"visitor_uid": None}


@pytest.fixture
def link(account: Account, page: Page) -> ShortLink:
    return factories.link(factories.contact(account), f"{page.site.origin}/sale")


@pytest.fixture
def click(visitor: httpx.Client, link: ShortLink, page: Page) -> str:
    return open_link(visitor, link, page)


def open_link(visitor: httpx.Client, link: ShortLink, page: Page) -> str:
    """Open the link at the page's address, and return the click token."""
    headers = {"X-Forwarded-For": page.address}
    return customer_pages.open_with_token(visitor, link, **headers)


def uid_of(visit: Visit, account: Account) -> str:
    return attachments.visitor_uid(account.id, bytes(visit.pixel_sha256 or b""))


def process_visits() -> None:
    a_minute_ago = timezone.now() - timedelta(minutes=1)
    Visit.objects.filter(due_at__isnull=False).update(due_at=a_minute_ago)
    processing.process_due()
    click_processing.process_due()


# --- redeeming -------------------------------------------------------------------


def test_click_is_redeemed_for_the_visitor_uid(
    page: Page, click: str, account: Account
) -> None:
    response = page.identify(click=click)

    visit = Visit.objects.get()
    assert response.status_code == 200
    assert response.json() == {"visitor_uid": uid_of(visit, account)}
    redemption = Redemption.objects.get()
    assert (redemption.visit_id, redemption.contact) == (
        visit.pk,
        Contact.objects.get(),
    )
    assert redemption.visitor_uid == response.json()["visitor_uid"]
    assert (redemption.previous_cookie_sha256, redemption.gesture_at) == (None, None)
    assert redemption.due_at is not None


def test_second_redemption_is_409(page: Page, click: str) -> None:
    page.identify(click=click)
    first = Redemption.objects.get()

    response = page.identify(click=click)

    assert (response.status_code, response.json()) == (409, {"error": "already_used"})
    assert Redemption.objects.get().idempotency_key == first.idempotency_key


def test_one_of_twenty_simultaneous_redemptions_succeeds(
    page: Page, click: str
) -> None:
    statuses = services.in_threads(
        lambda: page.identify(click=click).status_code, times=20, threads=20
    )

    assert sorted(statuses) == [200] + [409] * 19
    assert Redemption.objects.count() == 1


def test_click_is_not_redeemed_for_another_user_agent(page: Page, click: str) -> None:
    page.user_agent = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101"

    response = page.identify(click=click)

    assert (response.status_code, response.json()) == (200, NO_UID)
    assert not Redemption.objects.exists()
    page.user_agent = factories.CHROME
    assert page.identify(click=click).json() != NO_UID


def expired(visit: Visit) -> str:
    return ClickTokens(settings.PIXEL_KEYS).issue(str(visit.pk), time.time() - 182)


def forged(visit: Visit) -> str:
    return ClickTokens({"k1": b"x" * 43}).issue(str(visit.pk), time.time())


@pytest.mark.parametrize("made", [expired, forged], ids=lambda made: made.__name__)
def test_click_is_not_redeemed_if_it_is_expired_or_forged(
    page: Page, click: str, made: Any
) -> None:
    response = page.identify(click=made(Visit.objects.get()))

    assert (response.status_code, response.json()) == (200, NO_UID)
    assert not Redemption.objects.exists()


@pytest.mark.parametrize("click", ["", "junk", "я", "A" * 3000, "\0"], ids=repr)
def test_invalid_click_is_200_without_a_uid(page: Page, click: str) -> None:
    response = page.identify(click=click)

    assert (response.status_code, response.json()) == (200, NO_UID)


def test_page_at_another_address_gets_a_uid_of_its_own(
    page: Page, click: str, account: Account
) -> None:
    page.address = customer_pages.new_address()

    uid = page.identify(click=click).json()["visitor_uid"]

    clicked = uid_of(Visit.objects.get(), account)
    assert uid != clicked
    process_visits()
    attached = PixelAttachment.objects.select_related("pixel")
    assert {(a.pixel.visitor_uid, a.evidence) for a in attached} == {
        (clicked, "click"),
        (uid, "other_address"),
    }


def test_click_of_another_account_is_not_redeemed(
    visitor: httpx.Client, click: str
) -> None:
    other_site = factories.site(factories.account())
    elsewhere = Page(visitor, customer_pages.wait_for_site(visitor, other_site))

    response = elsewhere.identify(click=click)

    assert (response.status_code, response.json()) == (200, NO_UID)
    assert not Redemption.objects.exists()


def test_click_is_not_redeemed_after_consent_is_denied(page: Page, click: str) -> None:
    Contact.objects.update(tracking_consent="denied")

    assert page.identify(click=click).json() == NO_UID
    assert not Redemption.objects.exists()


def test_click_of_a_visit_without_a_pixel_has_no_uid(
    page: Page, link: ShortLink
) -> None:
    visit = factories.visit(link)
    token = ClickTokens(settings.PIXEL_KEYS).issue(str(visit.pk), time.time())

    assert page.identify(click=token).json() == NO_UID


def test_click_of_a_visit_that_is_not_stored_yet_is_503(page: Page) -> None:
    visit_id = str(uuid7())
    token = ClickTokens(settings.PIXEL_KEYS).issue(visit_id, time.time())

    response = page.identify(click=token)

    assert (response.status_code, response.json()) == (503, {"error": "not_now"})
    assert response.headers["retry-after"] == "5"
    assert response.headers["access-control-allow-origin"] == page.site.origin


def test_known_uid_is_kept_and_both_browsers_are_attached(
    visitor: httpx.Client, page: Page, link: ShortLink, account: Account
) -> None:
    open_link(visitor, link, page)
    process_visits()
    older = PixelAttachment.objects.get().pixel
    visitor.cookies.clear()  # as Safari and Firefox do

    click = open_link(visitor, link, page)
    response = page.identify(click=click, visitor_uid=older.visitor_uid)

    assert response.json() == {"visitor_uid": older.visitor_uid}
    assert (
        bytes(Redemption.objects.get().previous_cookie_sha256 or b"")
        == older.cookie_sha256
    )
    process_visits()
    attached = PixelAttachment.objects.order_by("id")
    assert [a.evidence for a in attached] == ["click_redeemed"] * 2
    newer = uid_of(Visit.objects.latest("id"), account)
    assert [a.pixel.visitor_uid for a in attached] == [older.visitor_uid, newer]


@pytest.mark.parametrize("uid", ["a" * 26, "a" * 3000, "я"], ids=len)
def test_unknown_uid_is_replaced(
    page: Page, click: str, account: Account, uid: str
) -> None:
    response = page.identify(click=click, visitor_uid=uid)

    assert response.json() == {"visitor_uid": uid_of(Visit.objects.get(), account)}
    assert Redemption.objects.get().previous_cookie_sha256 is None


def test_uid_of_another_account_is_replaced(
    page: Page, click: str, account: Account
) -> None:
    other_link = factories.link(factories.contact(factories.account()))
    factories.visit(other_link, pixel_sha256=factories.cookie_sha256("theirs"))
    processing.process_due()
    theirs = PixelAttachment.objects.get().pixel.visitor_uid

    response = page.identify(click=click, visitor_uid=theirs)

    visit = Visit.objects.earliest("id")
    assert response.json() == {"visitor_uid": uid_of(visit, account)}
    assert page.identify(visitor_uid=theirs).json() == NO_UID


def test_uid_is_returned_only_if_it_is_known(page: Page, link: ShortLink) -> None:
    factories.visit(link, pixel_sha256=factories.cookie_sha256("a"))
    processing.process_due()
    known = PixelAttachment.objects.get().pixel.visitor_uid

    assert page.identify(visitor_uid=known).json() == {"visitor_uid": known}
    assert page.identify(visitor_uid="b" * 26).json() == NO_UID
    assert page.identify().json() == NO_UID


# --- gestures ----------------------------------------------------------------------


def test_gesture_is_stored_once_for_a_redemption(page: Page, click: str) -> None:
    uid = page.identify(click=click).json()["visitor_uid"]
    Redemption.objects.update(due_at=None)

    response = page.identify(click=click, visitor_uid=uid, gesture=True)

    assert (response.status_code, response.json()) == (200, NO_UID)
    redemption = Redemption.objects.get()
    assert redemption.gesture_at is not None
    assert redemption.due_at is not None
    page.identify(click=click, visitor_uid=uid, gesture=True)
    assert Redemption.objects.get().gesture_at == redemption.gesture_at


@pytest.mark.parametrize("uid", ["", "a" * 26])
def test_gesture_with_another_uid_is_not_stored(
    page: Page, click: str, uid: str
) -> None:
    page.identify(click=click)

    response = page.identify(click=click, visitor_uid=uid, gesture=True)

    assert (response.status_code, response.json()) == (200, NO_UID)
    assert Redemption.objects.get().gesture_at is None


def test_gesture_is_not_stored_after_an_hour(page: Page, click: str) -> None:
    uid = page.identify(click=click).json()["visitor_uid"]
    long_ago = timezone.now() - timedelta(minutes=61)
    Redemption.objects.update(redeemed_at=long_ago)

    page.identify(click=click, visitor_uid=uid, gesture=True)

    assert Redemption.objects.get().gesture_at is None
