"""Click tokens: what is signed, and how a target carries it (pixel §1.3)."""

import base64
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from shortlinks.domain.pixels import click_tokens
from shortlinks.domain.pixels.click_tokens import Click, ClickTokens
from shortlinks.domain.pixels.pixel_cookie import PixelCookies

OLD, NEW = {"k1": b"o" * 43}, {"k2": b"n" * 43}
VISIT = str(uuid7())
NOW = 1_795_000_000.25
TOKEN = ClickTokens(NEW).issue(VISIT, NOW)


def bytes_of(token: str) -> bytes:
    return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))


def text_of(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@given(st.uuids(), st.integers(0, 2**32 - 181))
def test_a_token_reads_as_what_it_was_issued_for(visit_id: UUID, now: int) -> None:
    token = ClickTokens(NEW).issue(str(visit_id), now)

    assert ClickTokens({**OLD, **NEW}).read(token) == Click(visit_id, now + 180)


def test_a_token_fits_any_query_and_names_nothing_but_the_visit() -> None:
    raw = bytes_of(TOKEN)

    assert len(TOKEN) < 60
    assert TOKEN.replace("-", "").replace("_", "").isalnum()
    kid, expires_at = b"\x02k2", (1_795_000_180).to_bytes(4, "big")
    assert raw[:-16] == kid + expires_at + UUID(VISIT).bytes


def test_an_old_keys_token_reads_until_the_key_is_dropped() -> None:
    token = ClickTokens(OLD).issue(VISIT, NOW)

    assert ClickTokens({**NEW, **OLD}).read(token) is not None
    assert ClickTokens(NEW).read(token) is None


def test_a_token_of_a_key_that_has_only_its_name_is_forged() -> None:
    assert ClickTokens({"k2": b"x" * 43}).read(TOKEN) is None


@pytest.mark.parametrize("place", range(len(bytes_of(TOKEN))))
def test_a_token_with_any_byte_changed_is_forged(place: int) -> None:
    raw = bytearray(bytes_of(TOKEN))
    raw[place] ^= 1

    assert ClickTokens({**NEW, **OLD}).read(text_of(bytes(raw))) is None


@pytest.mark.parametrize("length", range(len(bytes_of(TOKEN))))
def test_a_token_that_was_cut_is_forged(length: int) -> None:
    assert ClickTokens(NEW).read(text_of(bytes_of(TOKEN)[:length])) is None


def test_a_token_with_something_behind_it_is_forged() -> None:
    for more in ("A", "AAAA", "A" * 5000):
        assert ClickTokens(NEW).read(TOKEN + more) is None


def test_a_cookie_is_no_click() -> None:
    header = PixelCookies(NEW, https=False).read_or_create(None).set_cookie or b""
    _, kid, id_, mac = header.partition(b";")[0].decode().split(".")
    head = bytes([len(kid)]) + kid.encode() + bytes(4)

    assert ClickTokens(NEW).read(text_of(head + bytes_of(id_) + bytes_of(mac))) is None


@given(st.text(max_size=300) | st.binary(max_size=90).map(text_of))
def test_garbage_reads_as_nothing(text: str) -> None:
    assert ClickTokens(NEW).read(text) is None


# --- in a target -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("https://a.example/", "https://a.example/?_sl=T"),
        ("https://a.example/?", "https://a.example/?_sl=T"),
        ("https://a.example/p?x=1", "https://a.example/p?x=1&_sl=T"),
        ("https://a.example/#top", "https://a.example/?_sl=T#top"),
        ("https://a.example/?x=1#a?b#c", "https://a.example/?x=1&_sl=T#a?b#c"),
        ("https://a.example/?&&x=%20+;a", "https://a.example/?&&x=%20+;a&_sl=T"),
        ("https://a.example/?x=?y", "https://a.example/?x=?y&_sl=T"),
        ("https://a.example/?_sl=own", "https://a.example/?_sl=T"),
        ("https://a.example/?_sl=1&x&_s%6c=2&_sl", "https://a.example/?x&_sl=T"),
        ("https://a.example/?_slx=1", "https://a.example/?_slx=1&_sl=T"),
        ("https://a.example/?x=1#_sl=own", "https://a.example/?x=1&_sl=T#_sl=own"),
    ],
)
def test_a_target_keeps_all_but_a_token_of_its_own(target: str, expected: str) -> None:
    assert click_tokens.append_to_url(target, "T") == expected


PAIRS = st.lists(st.text("ab=%?/+;1", max_size=6), max_size=4).map("&".join)


@given(query=PAIRS, fragment=st.text("ab=&#?_sl", max_size=8))
def test_the_rest_of_a_target_stays_to_the_byte(query: str, fragment: str) -> None:
    appended = click_tokens.append_to_url(
        f"https://a.example/p?{query}#{fragment}", "T"
    )

    separator = "&" if query else ""
    assert appended == f"https://a.example/p?{query}{separator}_sl=T#{fragment}"
