"""Click tokens: signature, keys and place in the target."""

import base64
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from shortlinks.domain.pixels import browser_ids, click_tokens
from shortlinks.domain.pixels.browser_ids import BrowserIds
from shortlinks.domain.pixels.click_tokens import Click, ClickTokens

OLD, NEW = {"k1": b"o" * 43}, {"k2": b"n" * 43}
VISIT = str(uuid7())
NOW = 1_795_000_000.25
TOKEN = ClickTokens(NEW).issue(VISIT, NOW)


def decode(token: str) -> bytes:
    return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@given(st.uuids(), st.integers(0, 2**32 - 181))
def test_token_is_read_as_it_was_issued(visit_id: UUID, now: int) -> None:
    token = ClickTokens(NEW).issue(str(visit_id), now)

    assert ClickTokens({**OLD, **NEW}).read(token) == Click(visit_id, now + 180)


def test_token_is_url_safe_and_contains_only_the_visit_id() -> None:
    raw = decode(TOKEN)

    assert len(TOKEN) < 60
    assert TOKEN.replace("-", "").replace("_", "").isalnum()
    kid, expires_at = b"\x02k2", (1_795_000_180).to_bytes(4, "big")
    assert raw[:-16] == kid + expires_at + UUID(VISIT).bytes


def test_token_is_valid_until_its_key_is_removed() -> None:
    token = ClickTokens(OLD).issue(VISIT, NOW)

    assert ClickTokens({**NEW, **OLD}).read(token) is not None
    assert ClickTokens(NEW).read(token) is None


def test_token_of_another_key_with_the_same_id_is_invalid() -> None:
    assert ClickTokens({"k2": b"x" * 43}).read(TOKEN) is None


@pytest.mark.parametrize("place", range(len(decode(TOKEN))))
def test_token_with_a_changed_byte_is_invalid(place: int) -> None:
    raw = bytearray(decode(TOKEN))
    raw[place] ^= 1

    assert ClickTokens({**NEW, **OLD}).read(encode(bytes(raw))) is None


@pytest.mark.parametrize("length", range(len(decode(TOKEN))))
def test_truncated_token_is_invalid(length: int) -> None:
    assert ClickTokens(NEW).read(encode(decode(TOKEN)[:length])) is None


def test_token_with_a_suffix_is_invalid() -> None:
    for suffix in ("A", "AAAA", "A" * 5000):
        assert ClickTokens(NEW).read(TOKEN + suffix) is None


def test_cookie_is_not_a_valid_token() -> None:
    _, kid, id_, mac = BrowserIds(NEW).sign(browser_ids.new()).split(".")
    head = bytes([len(kid)]) + kid.encode() + bytes(4)

    assert ClickTokens(NEW).read(encode(head + decode(id_) + decode(mac))) is None


@given(st.text(max_size=300) | st.binary(max_size=90).map(encode))
def test_random_text_is_not_a_token(text: str) -> None:
    assert ClickTokens(NEW).read(text) is None


# --- target ----------------------------------------------------------------------


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
def test_target_keeps_its_parameters_except_a_token(target: str, expected: str) -> None:
    assert click_tokens.append_to_url(target, "T") == expected


PAIRS = st.lists(st.text("ab=%?/+;1", max_size=6), max_size=4).map("&".join)


@given(query=PAIRS, fragment=st.text("ab=&#?_sl", max_size=8))
def test_rest_of_the_target_stays_the_same(query: str, fragment: str) -> None:
    appended = click_tokens.append_to_url(
        f"https://a.example/p?{query}#{fragment}", "T"
    )

    separator = "&" if query else ""
    assert appended == f"https://a.example/p?{query}{separator}_sl=T#{fragment}"
