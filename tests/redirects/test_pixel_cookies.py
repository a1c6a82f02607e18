"""The pixel cookie: signature, keys, rotation and attributes."""

import base64

import pytest

from shortlinks.domain.pixels.browser_ids import BrowserIds
from shortlinks.redirects.pixel_cookies import PixelCookies

OLD, NEW = {"k1": b"o" * 43}, {"k2": b"n" * 43}


def cookie_of(jar: PixelCookies) -> bytes:
    """Return the cookie that a browser sends after its first visit."""
    header = jar.read_or_create(None).set_cookie
    assert header is not None
    return header.partition(b";")[0]


def test_new_browser_gets_a_new_id() -> None:
    jar = PixelCookies(BrowserIds(NEW), https=True)

    first, second = jar.read_or_create(None), jar.read_or_create(b"theme=dark")

    assert first.is_new
    assert second.is_new
    assert first.sha256 != second.sha256


def test_cookie_has_the_host_prefix_over_https() -> None:
    header = (
        PixelCookies(BrowserIds(NEW), https=True).read_or_create(None).set_cookie or b""
    )

    name, *attributes = header.decode().split("; ")
    assert name.startswith("__Host-slpx=v1.k2.")
    assert attributes == [
        "Path=/",
        "Max-Age=34560000",
        "HttpOnly",
        "SameSite=Lax",
        "Secure",
    ]


def test_returning_browser_is_recognized_among_other_cookies() -> None:
    jar = PixelCookies(BrowserIds(NEW), https=False)
    cookie = cookie_of(jar)
    known = jar.read_or_create(cookie)

    again = jar.read_or_create(b"a=slpx=; " + cookie + b"; theme=dark")

    assert again == known
    assert not again.is_new
    assert again.set_cookie is None


def test_cookie_of_an_old_key_is_renewed_with_the_same_id() -> None:
    old = PixelCookies(BrowserIds(OLD), https=False)
    cookie = cookie_of(old)
    rotated = PixelCookies(BrowserIds({**NEW, **OLD}), https=False)

    pixel = rotated.read_or_create(cookie)

    assert not pixel.is_new
    assert pixel.sha256 == old.read_or_create(cookie).sha256
    renewed = (pixel.set_cookie or b"").partition(b";")[0]
    assert renewed.startswith(b"slpx=v1.k2.")
    assert rotated.read_or_create(renewed).sha256 == pixel.sha256


def test_browser_is_new_after_its_key_is_removed() -> None:
    cookie = cookie_of(PixelCookies(BrowserIds(OLD), https=False))

    assert PixelCookies(BrowserIds(NEW), https=False).read_or_create(cookie).is_new


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"v1",
        b"v1.k2..",
        b"v1.k2.AAAA.AAAA",
        b"v1.k2." + b"A" * 22 + b"." + b"A" * 22,
        b"v2.k2." + b"A" * 22 + b"." + b"A" * 22,
        b"v1.k2.\xff.\xff",
        b"v1.k2." + b"A" * 5000 + b".x",
        b"v1.k2.A.A.A",
    ],
)
def test_forged_cookie_is_replaced(value: bytes) -> None:
    jar = PixelCookies(BrowserIds(NEW), https=False)

    assert jar.read_or_create(b"slpx=" + value).is_new


def test_cookie_is_read_behind_a_forged_one() -> None:
    jar = PixelCookies(BrowserIds(NEW), https=False)
    cookie = cookie_of(jar)

    assert jar.read_or_create(b"slpx=forged; " + cookie) == jar.read_or_create(cookie)


def test_cookie_with_a_changed_id_is_replaced() -> None:
    jar = PixelCookies(BrowserIds(NEW), https=False)
    head, _, mac = cookie_of(jar).rpartition(b".")
    other = base64.urlsafe_b64encode(b"0123456789abcdef").rstrip(b"=")

    forged = head.rpartition(b".")[0] + b"." + other + b"." + mac

    assert jar.read_or_create(forged).is_new
