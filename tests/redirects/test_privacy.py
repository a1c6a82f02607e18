"""Browsers get a pixel by the account's mode, the contact's consent and the opt-out."""

from itertools import product
from typing import Any

import httpx
import pytest

from shortlinks.domain.links import redis_cache
from shortlinks.domain.pixels import consent
from shortlinks.domain.visits import processing
from shortlinks.models import (
    Account,
    Contact,
    Note,
    Pixel,
    PixelAttachment,
    ShortLink,
    Visit,
)
from tests import factories
from tests.conftest import Api
from tests.factories import cookie_sha256

RUSSIAN = {"Accept-Language": "ru"}
ENGLISH = {"Accept-Language": "en"}
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


def test_consent_allows_pixels_by_mode_and_contact() -> None:
    allowed = {
        (mode, given)
        for mode, given in product(["on", "consent_only", "off", "?"], consent.CODES)
        if consent.allows(mode, consent.CODES[given])
    }

    assert allowed == {
        ("on", "unknown"),
        ("on", "granted"),
        ("consent_only", "granted"),
    }


def gets_pixel(visitor: httpx.Client, link: ShortLink) -> bool:
    """Open the link and return whether the browser got a pixel."""
    visitor.cookies.clear()
    before = Visit.objects.count()
    response = visitor.get(f"/{link.code}")
    assert response.status_code == 302
    assert Visit.objects.count() == before + 1
    return "set-cookie" in response.headers


@pytest.mark.parametrize(
    ("mode", "given", "expected"),
    [
        ("on", "unknown", 1),
        ("on", "denied", 0),
        ("consent_only", "unknown", 0),
        ("consent_only", "granted", 1),
        ("off", "granted", 0),
    ],
)
def test_browser_gets_a_pixel_by_mode_and_consent(
    visitor: httpx.Client, account: Account, mode: str, given: str, expected: int
) -> None:
    account.pixel_mode = mode
    account.save()
    redis_cache.refresh_account(account)
    contact = factories.contact(account, tracking_consent=given)

    assert gets_pixel(visitor, factories.link(contact)) == bool(expected)


def test_denied_consent_detaches_browsers_and_stops_pixels(
    visitor: httpx.Client, account: Account, link: ShortLink
) -> None:
    api = Api(factories.token(factories.admin(account)))
    path = f"/api/v4/contacts/{link.contact.entity_id}"
    factories.visit(link, pixel_sha256=cookie_sha256("a"))
    processing.process_due()
    assert PixelAttachment.objects.count() == 1

    api.patch(path, {"tracking_consent": "denied"})

    assert not PixelAttachment.objects.exists()
    assert not Pixel.objects.exists()
    assert not gets_pixel(visitor, link)


def test_browser_is_not_attached_if_consent_is_denied_after_the_open(
    link: ShortLink,
) -> None:
    factories.visit(link, pixel_sha256=cookie_sha256("a"))
    Contact.objects.update(tracking_consent="denied")

    processing.process_due()

    assert Note.objects.get().opens == 1
    assert not PixelAttachment.objects.exists()


def test_unknown_consent_is_400(account: Account) -> None:
    contact = factories.contact(account)
    api = Api(factories.token(factories.admin(account)))
    path = f"/api/v4/contacts/{contact.entity_id}"

    response: Any = api.patch(path, {"tracking_consent": "maybe"})

    assert response.status_code == 400
    [failed] = response.json()["validation-errors"]
    assert failed["errors"][0]["code"] == "NotSupportedChoice"


# --- the page `/privacy` ----------------------------------------


def test_visitor_opts_out_and_in_again(visitor: httpx.Client, link: ShortLink) -> None:
    first = visitor.get("/privacy", headers=RUSSIAN)
    assert "Не узнавать этот браузер" in first.text
    assert first.headers["content-language"] == "ru"

    out = visitor.post("/privacy?recognize=no", headers=SAME_ORIGIN)

    assert (out.status_code, out.headers["location"]) == (303, "/privacy")
    page = visitor.get("/privacy", headers=ENGLISH).text
    assert "Your browser is not recognized" in page
    assert "set-cookie" not in visitor.get(f"/{link.code}").headers
    assert Visit.objects.get().pixel_sha256 is None
    visitor.post("/privacy?recognize=yes", headers=SAME_ORIGIN)
    assert "set-cookie" in visitor.get(f"/{link.code}").headers


def test_opting_out_deletes_the_pixel_cookie(
    visitor: httpx.Client, link: ShortLink
) -> None:
    visitor.get(f"/{link.code}")
    assert "slpx" in visitor.cookies

    visitor.post("/privacy?recognize=no", headers=SAME_ORIGIN)

    assert dict(visitor.cookies) == {"sloptout": "1"}


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("", {}),
        ("?recognize=maybe", {}),
        ("?recognize=yes", {"Sec-Fetch-Site": "cross-site"}),
        ("?recognize=yes", {"Origin": "https://evil.example"}),
    ],
)
def test_form_of_another_site_is_404(
    visitor: httpx.Client, query: str, headers: dict[str, str]
) -> None:
    response = visitor.post(f"/privacy{query}", headers={**SAME_ORIGIN, **headers})

    assert response.status_code == 404
    assert "set-cookie" not in response.headers


# --- API --------------------------------------------------------------


@pytest.fixture
def attachment(account: Account, link: ShortLink) -> PixelAttachment:
    factories.visit(link, pixel_sha256=cookie_sha256("a"))
    processing.process_due()
    return PixelAttachment.objects.get()


def test_pixels_of_a_contact_are_listed_and_detached(
    account: Account, attachment: PixelAttachment
) -> None:
    api = Api(factories.token(factories.admin(account)))
    path = f"/api/v4/contacts/{attachment.contact.entity_id}/pixels"

    listed: Any = api.get(path)

    assert listed.json()["_embedded"]["pixels"] == [
        {
            "id": attachment.pixel_id,
            "visitor_uid": attachment.pixel.visitor_uid,
            "evidence": "click",
            "review": "unreviewed",
            "first_seen_at": int(attachment.first_seen_at.timestamp()),
            "last_seen_at": int(attachment.last_seen_at.timestamp()),
        }
    ]
    one = f"{path}/{attachment.pixel_id}"
    assert [api.send("DELETE", one).status_code for _ in range(2)] == [204, 404]
    assert api.get(path).status_code == 204
    assert not Pixel.objects.exists()


def test_pixels_need_permission(account: Account, attachment: PixelAttachment) -> None:
    other_account_api = Api(factories.token(factories.admin(factories.account())))
    reader = factories.user(account, contacts_view="A", contacts_edit="D")
    path = f"/api/v4/contacts/{attachment.contact.entity_id}/pixels"
    one = f"{path}/{attachment.pixel_id}"

    assert other_account_api.get(path).status_code == 404
    assert other_account_api.send("DELETE", one).status_code == 404
    assert Api(factories.token(reader)).send("DELETE", one).status_code == 403
    assert PixelAttachment.objects.exists()
