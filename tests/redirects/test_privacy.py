"""Whose browser is recognised: the account's mode, the person's word, the opt-out."""

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
OURS = {"Sec-Fetch-Site": "same-origin"}  # as a browser says of a page's own form


def test_modes_and_words() -> None:
    allowed = {
        (mode, said)
        for mode, said in product(["on", "consent_only", "off", "?"], consent.CODES)
        if consent.allows(mode, consent.CODES[said])
    }

    assert allowed == {
        ("on", "unknown"),
        ("on", "granted"),
        ("consent_only", "granted"),
    }


def pixel_of(visitor: httpx.Client, link: ShortLink) -> bool:
    """Whether the browser got a pixel; the open counts all the same."""
    visitor.cookies.clear()
    before = Visit.objects.count()
    response = visitor.get(f"/{link.code}")
    assert response.status_code == 302
    assert Visit.objects.count() == before + 1
    return "set-cookie" in response.headers


@pytest.mark.parametrize(
    ("mode", "said", "recognised"),
    [
        ("on", "unknown", 1),
        ("on", "denied", 0),
        ("consent_only", "unknown", 0),
        ("consent_only", "granted", 1),
        ("off", "granted", 0),
    ],
)
def test_a_browser_gets_a_pixel_where_that_is_wanted(
    visitor: httpx.Client, account: Account, mode: str, said: str, recognised: int
) -> None:
    account.pixel_mode = mode
    account.save()
    redis_cache.refresh_account(account)
    contact = factories.contact(account, tracking_consent=said)

    assert pixel_of(visitor, factories.link(contact)) == bool(recognised)


def test_a_word_reaches_the_redirects_and_forgets_the_browsers(
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
    assert not pixel_of(visitor, link)


def test_who_objects_after_the_open_is_not_attached(link: ShortLink) -> None:
    factories.visit(link, pixel_sha256=cookie_sha256("a"))
    Contact.objects.update(tracking_consent="denied")

    processing.process_due()

    assert Note.objects.get().opens == 1
    assert not PixelAttachment.objects.exists()


def test_a_word_that_is_none_is_400(account: Account) -> None:
    contact = factories.contact(account)
    api = Api(factories.token(factories.admin(account)))
    path = f"/api/v4/contacts/{contact.entity_id}"

    response: Any = api.patch(path, {"tracking_consent": "maybe"})

    assert response.status_code == 400
    [failed] = response.json()["validation-errors"]
    assert failed["errors"][0]["code"] == "NotSupportedChoice"


# --- the page ------------------------------------------------------------------


def test_a_person_opts_out_and_in_again(visitor: httpx.Client, link: ShortLink) -> None:
    first = visitor.get("/privacy", headers=RUSSIAN)
    assert "Не узнавать этот браузер" in first.text
    assert first.headers["content-language"] == "ru"

    out = visitor.post("/privacy?recognise=no", headers=OURS)

    assert (out.status_code, out.headers["location"]) == (303, "/privacy")
    page = visitor.get("/privacy", headers=ENGLISH).text
    assert "Your browser is not recognised" in page
    assert "set-cookie" not in visitor.get(f"/{link.code}").headers
    assert Visit.objects.get().pixel_sha256 is None
    visitor.post("/privacy?recognise=yes", headers=OURS)
    assert "set-cookie" in visitor.get(f"/{link.code}").headers


def test_opting_out_takes_the_pixel_away(
    visitor: httpx.Client, link: ShortLink
) -> None:
    visitor.get(f"/{link.code}")
    assert "slpx" in visitor.cookies

    visitor.post("/privacy?recognise=no", headers=OURS)

    assert dict(visitor.cookies) == {"sloptout": "1"}


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("", {}),
        ("?recognise=maybe", {}),
        ("?recognise=yes", {"Sec-Fetch-Site": "cross-site"}),
        ("?recognise=yes", {"Origin": "https://evil.example"}),
    ],
)
def test_nobody_else_decides(
    visitor: httpx.Client, query: str, headers: dict[str, str]
) -> None:
    response = visitor.post(f"/privacy{query}", headers={**OURS, **headers})

    assert response.status_code == 404
    assert "set-cookie" not in response.headers


# --- the API's side --------------------------------------------------------------


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


def test_rights_hold_for_pixels(account: Account, attachment: PixelAttachment) -> None:
    stranger = Api(factories.token(factories.admin(factories.account())))
    reader = factories.user(account, contacts_view="A", contacts_edit="D")
    path = f"/api/v4/contacts/{attachment.contact.entity_id}/pixels"
    one = f"{path}/{attachment.pixel_id}"

    assert stranger.get(path).status_code == 404
    assert stranger.send("DELETE", one).status_code == 404
    assert Api(factories.token(reader)).send("DELETE", one).status_code == 403
    assert PixelAttachment.objects.exists()
