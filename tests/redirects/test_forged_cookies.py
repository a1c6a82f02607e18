"""Cookie headers of any content name no browser and no user."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from shortlinks.domain.pixels.browser_ids import BrowserIds
from shortlinks.domain.visits import staff_cookie, staff_handoff
from shortlinks.redirects.pixel_cookies import PixelCookies

JAR = PixelCookies(BrowserIds({"k2": b"n" * 43}), https=False)
PARTS = st.sampled_from(
    [
        *(b"slpx=", b"slstaff=", b"slverifier-", b"__Host-", b"; ", b";", b"=", b"."),
        *(b":", b"v1.k2.", b"v1", b"A" * 22, b"0" * 8, b"-" * 43, b"\xff", b"\0"),
    ]
)
HEADERS = st.lists(PARTS | st.binary(max_size=6), max_size=20).map(b"".join)


def _cookies() -> Sequence[bytes]:
    """Return a cookie of each kind, as browsers return them."""
    set_cookies = [
        JAR.read_or_create(None).set_cookie or b"",
        staff_cookie.cookie_header(5, 7),
        staff_handoff.new_verifier()[1],
    ]
    return [header.partition(b";")[0] for header in set_cookies]


@given(HEADERS)
def test_any_header_names_nobody(header: bytes) -> None:
    assert JAR.read_or_create(header).is_new
    assert staff_cookie.read(header, 7) == ""
    assert not staff_handoff.has_verifier(header, "0" * 64)


@given(place=st.integers(0, 200), byte=st.integers(0, 255), behind=HEADERS)
def test_damaged_cookie_names_the_same_or_nobody(
    place: int, byte: int, behind: bytes
) -> None:
    pixel, staff, verifier = _cookies()
    known = JAR.read_or_create(pixel)
    header = bytearray(b"; ".join([pixel, staff, verifier, behind]))
    header[place % len(header)] = byte

    found = JAR.read_or_create(bytes(header))

    assert found.is_new or found == known
    assert staff_cookie.read(bytes(header), 7) in {"", "user 5"}
    assert staff_cookie.read(bytes(header), 8) == ""
    assert len(staff_handoff.delete_many_verifiers(bytes(header))) <= 10
