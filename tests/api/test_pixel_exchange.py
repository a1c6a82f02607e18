"""`POST /api/v4/pixels/exchange`, for servers of connected sites."""

import time
from typing import Any

import pytest
from django.conf import settings
from uuid_utils.compat import uuid7

from shortlinks.domain.pixels import attachments
from shortlinks.domain.pixels.browser_ids import BrowserIds
from shortlinks.domain.pixels.click_tokens import ClickTokens
from shortlinks.domain.visits import processing
from shortlinks.models import (
    Account,
    Contact,
    Pixel,
    Redemption,
    Scope,
    ShortLink,
    User,
    Visit,
)
from shortlinks.redirects.pixel_cookies import PixelCookies
from tests import factories
from tests.conftest import Api
from tests.domain.visits import sites
from tests.factories import CHROME, cookie_sha256

PATH = "/api/v4/pixels/exchange"
UNKNOWN_VISITOR = {"visitor_uid": None}


@pytest.fixture
def link(account: Account) -> ShortLink:
    return factories.link(factories.contact(account))


@pytest.fixture
def visit(link: ShortLink) -> Visit:
    return sites.open_link(link)


def click_of(visit: Visit, *, age: float = 0) -> str:
    tokens = ClickTokens(settings.PIXEL_KEYS)
    return tokens.issue(str(visit.pk), time.time() - age)


def exchange(api: Api, **body: object) -> tuple[int, Any]:
    response: Any = api.post(PATH, {"user_agent": CHROME, **body})
    return response.status_code, response.json()


def test_click_is_exchanged_once_for_only_the_visitors_uid(
    account: Account, api: Api, visit: Visit, link: ShortLink
) -> None:
    body = {"click": click_of(visit), "address": sites.address(visit)}

    first, second = exchange(api, **body), exchange(api, **body)

    uid = attachments.visitor_uid(account.id, cookie_sha256("a"))
    assert first == (200, {"visitor_uid": uid})
    assert (second[0], second[1]["title"]) == (409, "Conflict")
    assert second[1]["detail"] == "already_used"
    redemption = Redemption.objects.get()
    assert (redemption.visit_id, redemption.contact) == (visit.pk, link.contact)


def test_known_uid_is_returned_again(
    account: Account, api: Api, visit: Visit, link: ShortLink
) -> None:
    factories.visit(link, pixel_sha256=cookie_sha256("older"))
    processing.process_due()
    older = attachments.visitor_uid(account.id, cookie_sha256("older"))

    result = exchange(api, click=click_of(visit), visitor_uid=older)

    assert result == (200, {"visitor_uid": older})
    assert Redemption.objects.get().previous_cookie_sha256 == cookie_sha256("older")


def test_invalid_click_counts_as_no_click(api: Api, visit: Visit) -> None:
    forged = ClickTokens({"k1": b"x" * 43}).issue(str(visit.pk), time.time())

    for click in (forged, click_of(visit, age=182), "junk", "я", ""):
        assert exchange(api, click=click) == (200, UNKNOWN_VISITOR)
    assert not Redemption.objects.exists()


def test_click_is_ignored_with_another_user_agent(api: Api, visit: Visit) -> None:
    result = exchange(api, click=click_of(visit), user_agent="curl/8.5")

    assert result == (200, UNKNOWN_VISITOR)


def test_click_of_another_account_counts_as_no_click(visit: Visit, caller: Any) -> None:
    stranger = caller(factories.admin(factories.account()))

    assert exchange(stranger, click=click_of(visit)) == (200, UNKNOWN_VISITOR)
    assert not Redemption.objects.exists()


def test_uid_is_null_after_consent_was_denied(api: Api, visit: Visit) -> None:
    Contact.objects.update(tracking_consent="denied")

    assert exchange(api, click=click_of(visit)) == (200, UNKNOWN_VISITOR)


def test_exchange_is_503_with_retry_after_until_the_visit_is_stored(api: Api) -> None:
    click = ClickTokens(settings.PIXEL_KEYS).issue(str(uuid7()), time.time())

    response = api.post(PATH, {"click": click, "user_agent": CHROME})

    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")


# --- cookies of a short domain that is a subdomain of the site's domain -----------


def cookie_of(keys: dict[str, bytes]) -> tuple[str, bytes]:
    """Return the cookie's value and the hash of its browser."""
    pixel = PixelCookies(
        BrowserIds(keys), https=True, domain="shop.example"
    ).read_or_create(None)
    header = (pixel.set_cookie or b"").decode()
    name, _, value = header.partition(";")[0].partition("=")
    assert name == "__Secure-slpx"
    return value, bytes.fromhex(pixel.sha256)


def test_cookie_is_exchanged_repeatedly(account: Account, api: Api) -> None:
    cookie, sha256 = cookie_of(settings.PIXEL_KEYS)

    results = [exchange(api, cookie=cookie) for _ in range(2)]

    uid = attachments.visitor_uid(account.id, sha256)
    assert results == [(200, {"visitor_uid": uid})] * 2
    assert not Pixel.objects.exists()


def test_cookie_has_different_uids_in_two_accounts(api: Api, caller: Any) -> None:
    cookie, _ = cookie_of(settings.PIXEL_KEYS)
    stranger = caller(factories.admin(factories.account()))

    uids = {exchange(a, cookie=cookie)[1]["visitor_uid"] for a in (api, stranger)}

    assert len(uids) == 2


@pytest.mark.parametrize("cookie", ["junk", "v1.k1.A.A", "я", "__Secure-slpx=v1"])
def test_forged_cookie_counts_as_no_cookie(api: Api, cookie: str) -> None:
    forged, _ = cookie_of({"k1": b"x" * 43})

    assert exchange(api, cookie=cookie) == (200, UNKNOWN_VISITOR)
    assert exchange(api, cookie=forged) == (200, UNKNOWN_VISITOR)


def test_known_uid_takes_precedence_over_the_cookie(
    account: Account, api: Api, visit: Visit
) -> None:
    processing.process_due()
    known = attachments.visitor_uid(account.id, cookie_sha256("a"))
    cookie, _ = cookie_of(settings.PIXEL_KEYS)

    result = exchange(api, cookie=cookie, visitor_uid=known)

    assert result == (200, {"visitor_uid": known})


# --- permissions and errors -----------------------------------------------------


def test_exchange_is_forbidden_without_the_scope(
    account: Account, admin: User, visit: Visit
) -> None:
    others = [scope for scope in Scope.values if scope != Scope.PIXELS_WRITE]
    api = Api(factories.token(admin, scopes=others))

    status, _ = exchange(api, click=click_of(visit))

    assert status == 403
    assert not Redemption.objects.exists()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, ("FieldMissing", "user_agent")),
        ({"user_agent": CHROME, "click": 5}, ("InvalidType", "click")),
        ({"user_agent": CHROME, "cookie": []}, ("InvalidType", "cookie")),
        ({"user_agent": CHROME, "click": "a" * 2049}, ("TooLong", "click")),
        ({"user_agent": CHROME, "visitor_uid": "a" * 27}, ("TooLong", "visitor_uid")),
        ({"user_agent": "a\0"}, ("InvalidType", "user_agent")),
    ],
    ids=lambda value: str(value)[-24:],
)
def test_exchange_errors_name_the_field(
    api: Api, body: Any, expected: tuple[str, str]
) -> None:
    response: Any = api.post(PATH, body)

    assert response.status_code == 400
    [failed] = response.json()["validation-errors"]
    assert [(e["code"], e["path"]) for e in failed["errors"]] == [expected]


def test_exchange_is_401_without_a_token(anonymous: Api) -> None:
    assert exchange(anonymous)[0] == 401
