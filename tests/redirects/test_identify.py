"""What a page of a connected site asks the short host, over HTTP (pixel §1.4)."""

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
from tests.redirects import customers
from tests.redirects.customers import Page

NOBODY = {"visitor_uid": None}


@pytest.fixture
def page(visitor: httpx.Client, account: Account) -> Page:
    """Where the link leads to."""
    return Page(visitor, customers.known(visitor, factories.site(account)))


@pytest.fixture
def link(account: Account, page: Page) -> ShortLink:
    return factories.link(factories.contact(account), f"{page.site.origin}/sale")


@pytest.fixture
def click(visitor: httpx.Client, link: ShortLink) -> str:
    return customers.clicks(visitor, link)


def uid_of(visit: Visit, account: Account) -> str:
    return attachments.visitor_uid(account.id, bytes(visit.pixel_sha256 or b""))


def follow_up() -> None:
    a_minute_ago = timezone.now() - timedelta(minutes=1)
    Visit.objects.filter(due_at__isnull=False).update(due_at=a_minute_ago)
    processing.process_due()
    click_processing.process_due()


# --- redeeming -------------------------------------------------------------------


def test_a_click_is_redeemed_for_the_visitors_uid_and_nothing_else(
    page: Page, click: str, account: Account
) -> None:
    response = page.asks(click=click)

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


def test_a_second_redemption_is_refused(page: Page, click: str) -> None:
    page.asks(click=click)
    first = Redemption.objects.get()

    response = page.asks(click=click)

    assert (response.status_code, response.json()) == (409, {"error": "already_used"})
    assert Redemption.objects.get().idempotency_key == first.idempotency_key


def test_of_twenty_redemptions_at_once_one_succeeds(page: Page, click: str) -> None:
    statuses = services.in_threads(
        lambda: page.asks(click=click).status_code, times=20, threads=20
    )

    assert sorted(statuses) == [200] + [409] * 19
    assert Redemption.objects.count() == 1


def test_another_browser_gets_nothing_by_a_copied_address(
    page: Page, click: str
) -> None:
    page.user_agent = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101"

    response = page.asks(click=click)

    assert (response.status_code, response.json()) == (200, NOBODY)
    assert not Redemption.objects.exists()
    page.user_agent = factories.CHROME
    assert page.asks(click=click).json() != NOBODY


def expired(visit: Visit) -> str:
    return ClickTokens(settings.PIXEL_KEYS).issue(str(visit.pk), time.time() - 182)


def forged(visit: Visit) -> str:
    return ClickTokens({"k1": b"x" * 43}).issue(str(visit.pk), time.time())


@pytest.mark.parametrize("made", [expired, forged], ids=lambda made: made.__name__)
def test_a_click_that_is_none_is_as_if_there_were_none(
    page: Page, click: str, made: Any
) -> None:
    response = page.asks(click=made(Visit.objects.get()))

    assert (response.status_code, response.json()) == (200, NOBODY)
    assert not Redemption.objects.exists()


@pytest.mark.parametrize("click", ["", "junk", "я", "A" * 3000, "\0"], ids=repr)
def test_garbage_is_as_if_there_were_none(page: Page, click: str) -> None:
    response = page.asks(click=click)

    assert (response.status_code, response.json()) == (200, NOBODY)


def test_a_click_of_another_account_is_as_if_there_were_none(
    visitor: httpx.Client, click: str
) -> None:
    stranger = factories.site(factories.account())
    elsewhere = Page(visitor, customers.known(visitor, stranger))

    response = elsewhere.asks(click=click)

    assert (response.status_code, response.json()) == (200, NOBODY)
    assert not Redemption.objects.exists()


def test_who_objected_meanwhile_is_nobody(page: Page, click: str) -> None:
    Contact.objects.update(tracking_consent="denied")

    assert page.asks(click=click).json() == NOBODY
    assert not Redemption.objects.exists()


def test_a_visit_without_a_pixel_gives_none(page: Page, link: ShortLink) -> None:
    visit = factories.visit(link)
    token = ClickTokens(settings.PIXEL_KEYS).issue(str(visit.pk), time.time())

    assert page.asks(click=token).json() == NOBODY


def test_a_visit_that_is_not_stored_yet_is_to_be_asked_for_again(page: Page) -> None:
    on_its_way = str(uuid7())
    token = ClickTokens(settings.PIXEL_KEYS).issue(on_its_way, time.time())

    response = page.asks(click=token)

    assert (response.status_code, response.json()) == (503, {"error": "not_now"})
    assert response.headers["retry-after"] == "5"
    assert response.headers["access-control-allow-origin"] == page.site.origin


def test_a_page_keeps_the_uid_it_knows_and_both_browsers_are_the_contacts(
    visitor: httpx.Client, page: Page, link: ShortLink, account: Account
) -> None:
    customers.clicks(visitor, link)
    follow_up()
    older = PixelAttachment.objects.get().pixel
    visitor.cookies.clear()  # as Safari and Firefox do behind a short host

    click = customers.clicks(visitor, link)
    response = page.asks(click=click, visitor_uid=older.visitor_uid)

    assert response.json() == {"visitor_uid": older.visitor_uid}
    assert (
        bytes(Redemption.objects.get().previous_cookie_sha256 or b"")
        == older.cookie_sha256
    )
    follow_up()
    attached = PixelAttachment.objects.order_by("id")
    assert [a.evidence for a in attached] == ["click_redeemed"] * 2
    newer = uid_of(Visit.objects.latest("id"), account)
    assert [a.pixel.visitor_uid for a in attached] == [older.visitor_uid, newer]


@pytest.mark.parametrize("said", ["a" * 26, "a" * 3000, "я"], ids=len)
def test_a_uid_that_is_not_known_is_not_kept(
    page: Page, click: str, account: Account, said: str
) -> None:
    response = page.asks(click=click, visitor_uid=said)

    assert response.json() == {"visitor_uid": uid_of(Visit.objects.get(), account)}
    assert Redemption.objects.get().previous_cookie_sha256 is None


def test_a_uid_of_another_account_is_not_kept(
    page: Page, click: str, account: Account
) -> None:
    stranger = factories.link(factories.contact(factories.account()))
    factories.visit(stranger, pixel_sha256=factories.cookie_sha256("theirs"))
    processing.process_due()
    theirs = PixelAttachment.objects.get().pixel.visitor_uid

    response = page.asks(click=click, visitor_uid=theirs)

    visit = Visit.objects.earliest("id")
    assert response.json() == {"visitor_uid": uid_of(visit, account)}
    assert page.asks(visitor_uid=theirs).json() == NOBODY


def test_a_page_may_ask_whether_its_uid_is_known_still(
    page: Page, link: ShortLink
) -> None:
    factories.visit(link, pixel_sha256=factories.cookie_sha256("a"))
    processing.process_due()
    known = PixelAttachment.objects.get().pixel.visitor_uid

    assert page.asks(visitor_uid=known).json() == {"visitor_uid": known}
    assert page.asks(visitor_uid="b" * 26).json() == NOBODY
    assert page.asks().json() == NOBODY


# --- gestures ----------------------------------------------------------------------


def test_a_gesture_is_stored_for_who_redeemed(page: Page, click: str) -> None:
    uid = page.asks(click=click).json()["visitor_uid"]
    Redemption.objects.update(due_at=None)

    response = page.asks(click=click, visitor_uid=uid, gesture=True)

    assert (response.status_code, response.json()) == (200, NOBODY)
    felt = Redemption.objects.get()
    assert felt.gesture_at is not None
    assert felt.due_at is not None
    page.asks(click=click, visitor_uid=uid, gesture=True)
    assert Redemption.objects.get().gesture_at == felt.gesture_at


@pytest.mark.parametrize("uid", ["", "a" * 26])
def test_a_gesture_of_somebody_else_is_not_stored(
    page: Page, click: str, uid: str
) -> None:
    page.asks(click=click)

    response = page.asks(click=click, visitor_uid=uid, gesture=True)

    assert (response.status_code, response.json()) == (200, NOBODY)
    assert Redemption.objects.get().gesture_at is None


def test_a_gesture_an_hour_later_is_not_stored(page: Page, click: str) -> None:
    uid = page.asks(click=click).json()["visitor_uid"]
    long_ago = timezone.now() - timedelta(minutes=61)
    Redemption.objects.update(redeemed_at=long_ago)

    page.asks(click=click, visitor_uid=uid, gesture=True)

    assert Redemption.objects.get().gesture_at is None


# --- who may ask, and how ------------------------------------------------------------


def headers_of(response: httpx.Response) -> dict[str, str]:
    skipped = {"date", "server", "content-length"}
    return {k: v for k, v in response.headers.items() if k not in skipped}


def test_the_answer_is_for_the_pages_origin_alone_and_without_cookies(
    page: Page, click: str
) -> None:
    response = page.asks(click=click)

    assert headers_of(response) == {
        "content-type": "application/json",
        "cache-control": "no-store",
        "vary": "Origin",
        "access-control-allow-origin": page.site.origin,
    }


def test_a_preflight_allows_what_the_script_sends(page: Page) -> None:
    asked = {
        "Origin": page.site.origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }

    response = page.browser.options(customers.PATH, headers=asked)

    assert response.status_code == 204
    assert "content-length" not in response.headers  # RFC 9110 §8.6
    assert headers_of(response) == {
        "vary": "Origin",
        "access-control-allow-origin": page.site.origin,
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": "content-type",
        "access-control-max-age": "600",
    }


ELSEWHERE = ["https://evil.example", "null", "http://{host}", "https://{host}:8443"]


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_other_origins_are_refused(page: Page, click: str, elsewhere: str) -> None:
    origin = elsewhere.format(host=page.site.origin.removeprefix("https://"))
    page.origin = origin

    response = page.asks(click=click)

    assert (response.status_code, response.json()) == (403, {"error": "unknown_site"})
    assert response.headers["vary"] == "Origin"
    assert "access-control-allow-origin" not in response.headers
    assert not Redemption.objects.exists()
    preflight = page.browser.options(customers.PATH, headers={"Origin": origin})
    assert (preflight.status_code, headers_of(preflight)) == (403, {"vary": "Origin"})


def test_one_site_does_not_ask_in_anothers_name(
    visitor: httpx.Client, page: Page, click: str, account: Account
) -> None:
    page.origin = customers.known(visitor, factories.site(account)).origin

    response = page.asks(click=click)

    assert (response.status_code, response.json()) == (403, {"error": "unknown_site"})
    assert response.headers["access-control-allow-origin"] == page.origin


def test_a_site_that_nobody_knows_is_refused(page: Page, click: str) -> None:
    response = page.asks(site_key="0" * 24, click=click)

    assert response.status_code == 403


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_other_methods_are_not_allowed(visitor: httpx.Client, method: str) -> None:
    response = visitor.request(method, customers.PATH)

    assert (response.status_code, response.headers["allow"]) == (405, "POST, OPTIONS")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 4000,
        b'{"site_key": 1}',
        b'{"site_key": "a", "click": 1}',
        b'{"site_key": "a", "gesture": "yes"}',
        b'{"site_key": "a", "visitor_uid": "\\ud800"}',
        b'{"site_key": "a", "visitor_uid": "a\\u0000"}',
    ],
    ids=repr,
)
def test_a_body_that_is_none_is_malformed(page: Page, body: bytes) -> None:
    response = page.sends(body)

    assert (response.status_code, response.json()) == (400, {"error": "malformed"})
    assert response.headers["access-control-allow-origin"] == page.site.origin


def test_a_body_that_is_too_long_is_not_read(page: Page) -> None:
    response = page.sends(b'{"site_key": "' + b"a" * 5000 + b'"}')

    assert (response.status_code, response.json()) == (413, {"error": "too_long"})


def test_an_address_asks_thirty_times_a_minute(page: Page) -> None:
    statuses = [page.asks().status_code for _ in range(31)]

    assert statuses == [200] * 30 + [429]
    refused = page.asks()
    assert refused.json() == {"error": "too_many"}
    assert refused.headers["access-control-allow-origin"] == page.site.origin
    page.address = customers.an_address()
    assert page.asks().status_code == 200


def test_a_persons_network_is_one_address_of_version_six(page: Page) -> None:
    network = f"2001:db8:{int(time.time()) % 65536:x}:7::"
    statuses = []
    for number in range(31):
        page.address = f"{network}{number + 1:x}"
        statuses.append(page.asks().status_code)

    assert statuses == [200] * 30 + [429]
