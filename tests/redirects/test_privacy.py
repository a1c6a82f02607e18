"""Browsers get a pixel by the account's mode, the contact's consent and the opt-out."""

from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pytest

from shortlinks.domain.links import redis_cache
from shortlinks.domain.pixels import consent
from shortlinks.domain.visits import processing
from shortlinks.models import (
    Account,
    Chat,
    Contact,
    Note,
    Pixel,
    PixelAttachment,
    Redemption,
    ShortLink,
    Visit,
)
from shortlinks.redirects import request_rates
from tests import factories, services
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


def open_with_cookie(visitor: httpx.Client, link: ShortLink) -> None:
    """Get a cookie, and process two of the browser's opens."""
    visitor.get(f"/{link.code}")
    cookie = Visit.objects.get().pixel_sha256
    Visit.objects.all().delete()
    for _ in range(2):
        factories.visit(link, pixel_sha256=cookie)
    processing.process_due()


@pytest.mark.parametrize(
    ("headers", "stored", "nothing"),
    [
        (ENGLISH, "Stored about this browser", "this browser has no cookie of ours"),
        (RUSSIAN, "Что хранится об этом браузере", "в этом браузере нет нашего cookie"),
    ],
)
def test_page_shows_what_is_stored_about_this_browser(
    visitor: httpx.Client,
    link: ShortLink,
    headers: dict[str, str],
    stored: str,
    nothing: str,
) -> None:
    assert nothing in visitor.get("/privacy", headers=headers).text
    open_with_cookie(visitor, link)

    page = visitor.get("/privacy", headers=headers).text

    assert stored in page
    assert nothing not in page
    assert page.count(" UTC — shop.example</li>") == 2


def test_page_and_file_name_neither_contact_nor_user_nor_account(
    visitor: httpx.Client, account: Account
) -> None:
    user = factories.user(account, name="Manager Mann", email="mann@shop.example")
    contact = factories.contact(
        account, name="Petra Zimmermann", responsible_user=user, entity_id=4711000815
    )
    link = factories.link(contact, "https://shop.example/zimmermann?name=Petra")
    open_with_cookie(visitor, link)

    texts = [visitor.get("/privacy").text, visitor.get("/privacy?download=json").text]

    hidden = ["immermann", "Petra", "Mann", "mann@", "4711000815", link.code]
    hidden += [account.name, account.subdomain, Pixel.objects.get().visitor_uid]
    assert [word for word in hidden for text in texts if word in text] == []
    assert all("shop.example" in text for text in texts)


def test_data_of_the_browser_can_be_downloaded(
    visitor: httpx.Client, link: ShortLink
) -> None:
    open_with_cookie(visitor, link)

    response = visitor.get("/privacy?download=json")

    assert "attachment" in response.headers["content-disposition"]
    assert response.headers["vary"] == "Cookie"
    data = response.json()
    assert [each["host"] for each in data["opens"]] == ["shop.example"] * 2
    pixel = Pixel.objects.get()
    assert data["first_seen_at"] == f"{pixel.created_at:%Y-%m-%dT%H:%M:%SZ}"


def test_another_browser_sees_nothing(visitor: httpx.Client, link: ShortLink) -> None:
    open_with_cookie(visitor, link)
    [(name, value)] = visitor.cookies.items()
    visitor.cookies.clear()

    for cookie in ("", f"{name}={value[:-4]}AAAA"):
        response = visitor.get("/privacy?download=json", headers={"Cookie": cookie})
        assert response.json() == {
            "first_seen_at": None,
            "last_seen_at": None,
            "opens": [],
        }


def test_erasure_deletes_the_browser_and_keeps_the_open(
    visitor: httpx.Client, account: Account, link: ShortLink
) -> None:
    open_with_cookie(visitor, link)
    pixel = Pixel.objects.get()
    other = factories.visit(link, pixel_sha256=cookie_sha256("other"))
    processing.process_due()
    known = {"account": account, "contact": link.contact, "source": "site"}
    chat = Chat.objects.create(
        external_id="1", visitor_uid=pixel.visitor_uid, title="Anna", **known
    )
    Redemption.objects.create(
        visit_id=other.pk,
        account=account,
        contact=link.contact,
        visitor_uid=pixel.visitor_uid,
        idempotency_key=other.pk,
    )

    response = visitor.post("/privacy?erase=yes", headers=SAME_ORIGIN)

    assert response.status_code == 303
    assert dict(visitor.cookies) == {"sloptout": "1"}
    assert not Pixel.objects.filter(pk=pixel.pk).exists()
    assert PixelAttachment.objects.exclude(pixel=pixel).count() == 1
    assert not Redemption.objects.exists()
    chat.refresh_from_db()
    assert (chat.visitor_uid, chat.title) == ("", "Anna")
    assert sum(Note.objects.values_list("opens", flat=True)) == 3


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}]
)
def test_another_site_cannot_erase(
    visitor: httpx.Client, link: ShortLink, headers: dict[str, str]
) -> None:
    open_with_cookie(visitor, link)

    response = visitor.post("/privacy?erase=yes", headers={**SAME_ORIGIN, **headers})

    assert response.status_code == 404
    assert Pixel.objects.exists()


def test_many_requests_get_the_page_without_stored_data(
    visitor: httpx.Client, link: ShortLink
) -> None:
    visitor.get(f"/{link.code}")
    address = {"X-Forwarded-For": "198.51.100.201", **ENGLISH}

    texts = [
        visitor.get("/privacy", headers=address).text
        for _ in range(request_rates.MAX_REQUESTS_PER_MINUTE + 1)
    ]
    erased = visitor.post("/privacy?erase=yes", headers=SAME_ORIGIN | address)

    shown = ["cannot be shown right now" in text for text in texts]
    assert shown == [False] * request_rates.MAX_REQUESTS_PER_MINUTE + [True]
    assert "Do not recognize this browser" in texts[-1]
    assert erased.status_code == 503


def test_open_that_is_not_processed_does_not_bring_the_browser_back(
    visitor: httpx.Client, link: ShortLink
) -> None:
    open_with_cookie(visitor, link)
    [cookie] = {visit.pixel_sha256 for visit in Visit.objects.all()}
    factories.visit(link, pixel_sha256=cookie)

    visitor.post("/privacy?erase=yes", headers=SAME_ORIGIN)
    processing.process_due()

    assert not Pixel.objects.exists()
    assert sum(Note.objects.values_list("opens", flat=True)) == 3


@pytest.mark.process
def test_links_of_the_page_work_without_postgres(
    visitor: httpx.Client, link: ShortLink, tmp_path: Path
) -> None:
    visitor.get(f"/{link.code}")
    cookies = {"Cookie": "; ".join(f"{n}={v}" for n, v in visitor.cookies.items())}
    unreachable = {"DATABASE_URL": "postgres://user:password@127.0.0.1:1/none"}

    with services.redirects(tmp_path, **unreachable) as cut_off:
        page = cut_off.get("/privacy", headers=ENGLISH | cookies)
        file = cut_off.get("/privacy?download=json", headers=cookies)
        erased = cut_off.post("/privacy?erase=yes", headers=SAME_ORIGIN | cookies)
        out = cut_off.post("/privacy?recognize=no", headers=SAME_ORIGIN | cookies)

    assert page.status_code == 200
    assert "This cannot be shown right now." in page.text
    assert (file.status_code, erased.status_code, out.status_code) == (503, 503, 303)


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
