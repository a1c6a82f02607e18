"""The URLs that links may lead to: the table of docs/reference/security.md."""

from random import Random

import ada_url
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlinks.domain.links import urls
from shortlinks.domain.links.urls import SafeUrl, UrlPolicy, UrlRejected

POLICY = UrlPolicy(own_hosts=frozenset({"go.example.com", "xn--e1afmkfd.xn--p1ai"}))


@pytest.mark.parametrize(
    ("given_url", "target"),
    [
        ("https://shop.example/sale", "https://shop.example/sale"),
        ("https://www.yandex.ru", "https://www.yandex.ru/"),
        ("HTTPS://Shop.Example:443/A?b#c", "https://shop.example/A?b#c"),
        ("http://shop.example:8080/", "http://shop.example:8080/"),
        ("https://example.com。evil.com/", "https://example.com.evil.com/"),
        ("https://аррӏе.com/", "https://xn--80ak6aa92e.com/"),
        ("https://магазин.рф/я", "https://xn--80aairftm.xn--p1ai/%D1%8F"),
        ("https://a.example/%D0%B4?q=%20", "https://a.example/%D0%B4?q=%20"),
        ("https://a.example/../b/./c", "https://a.example/b/c"),
        (f"https://{'a' * 64}.example/", f"https://{'a' * 64}.example/"),
        ("https://a.example/\u200dв", "https://a.example/%E2%80%8D%D0%B2"),
    ],
)
def test_web_address_gets_the_target_of_a_browser(given_url: str, target: str) -> None:
    assert urls.parse(given_url, POLICY) == SafeUrl(given_url, target)


@pytest.mark.parametrize(
    "around",
    [" ", "  ", "\t", "\n", "\r\n", "\0", "\x1f", "\ufeff"],
)  # fmt: skip
def test_white_space_around_a_url_is_removed(around: str) -> None:
    given_url = "https://example.com/a"

    assert urls.parse(f"{around}{given_url}{around}", POLICY).given == given_url


@pytest.mark.parametrize(
    "behind", ["\u00a0", "\u2003", "\u202f", "\u2060", "\u3000", "\u00a0\r\n\ufeff"]
)
def test_white_space_of_other_programs_behind_a_url_is_removed(behind: str) -> None:
    given_url = "https://example.com/a"

    assert urls.parse(f"{given_url}{behind}", POLICY).given == given_url


@pytest.mark.parametrize("kept", ["\u00a0b", "\u200b"])
def test_unicode_within_a_url_and_zero_width_spaces_are_kept(kept: str) -> None:
    given_url = f"https://example.com/a{kept}"

    assert urls.parse(given_url, POLICY).given == given_url


@pytest.mark.parametrize(
    ("given_url", "code"),
    [
        ("https://example.com\\@evil.com/", "InvalidUrl"),
        ("https://example.com@evil.com/", "UnsafeUrl"),
        ("https://user:pw@example.com/", "UnsafeUrl"),
        ("http://2130706433/", "UnsafeUrl"),
        ("http://0x7f.1/", "UnsafeUrl"),
        ("http://①②⑦.0.0.1/", "UnsafeUrl"),
        ("http://[::ffff:127.0.0.1]/", "UnsafeUrl"),
        ("http://[2001:db8::1]/", "UnsafeUrl"),
        ("http://localhost/", "UnsafeUrl"),
        ("http://LOCALHOST./", "UnsafeUrl"),
        ("http://127.0.0.1/", "UnsafeUrl"),
        ("http://8.8.8.8/", "UnsafeUrl"),
        ("http://8.8.8.8./", "UnsafeUrl"),
        ("http://intranet/", "UnsafeUrl"),
        ("http://printer.local/", "UnsafeUrl"),
        ("http://db.internal./", "UnsafeUrl"),
        ("http://abc.onion/", "UnsafeUrl"),
        ("https://example.com:99999/", "InvalidUrl"),
        ("https://example.com:0/", "InvalidUrl"),
        ("https://example.com/\u202egpj.exe", "InvalidUrl"),
        ("https://example.com/\u2066x", "InvalidUrl"),
        ("https:example.com", "InvalidUrl"),
        ("http:/example.com", "InvalidUrl"),
        ("https:///example.com", "InvalidUrl"),
        ("java\nscript:alert(1)", "InvalidUrl"),
        ("javascript:alert(1)", "InvalidUrl"),
        ("ftp://example.com/", "InvalidUrl"),
        ("//example.com/", "InvalidUrl"),
        ("example.com", "InvalidUrl"),
        ("", "InvalidUrl"),
        ("https://", "InvalidUrl"),
        ("https://?x", "InvalidUrl"),
        ("https://example.com/a b", "InvalidUrl"),
        ("https://example.com/\r\nSet-Cookie: a=b", "InvalidUrl"),
        ("https://example.com/\0a", "InvalidUrl"),
        ("https://example.com/\x85a", "InvalidUrl"),
        ("https://example.com/\u2028a", "InvalidUrl"),
        ("https://example.com/a\tb", "InvalidUrl"),
        ("https://..example/", "InvalidUrl"),
        ("https://a..example.com/", "InvalidUrl"),
        ("https://.example.com/", "InvalidUrl"),
        ("\u00a0https://example.com/", "InvalidUrl"),
        ("https://example.com/\u200e", "InvalidUrl"),
        ("https://example.com/\u2028", "InvalidUrl"),
        ("https://example.com/\ufffd", "InvalidUrl"),
        ("https://example.com/" + chr(0xD800), "InvalidUrl"),
        ("https://exa mple.com/", "InvalidUrl"),
        ("https://xn--/", "UnsafeUrl"),
        ("https://example.com/" + "a" * 2048, "TooLong"),
    ],
)
def test_other_texts_are_rejected(given_url: str, code: str) -> None:
    with pytest.raises(UrlRejected) as refused:
        urls.parse(given_url, POLICY)

    assert refused.value.code == code


@pytest.mark.parametrize(
    "spelling",
    [
        "https://go.example.com/abc",
        "https://GO.EXAMPLE.COM/",
        "https://go.example.com./",
        "https://go.example.com:8443/",
        "https://go。example。com/",
        "https://%67o.example.com/",
        "https://пример.рф/",
        "https://xn--e1afmkfd.xn--p1ai/",
    ],
)
def test_hosts_of_the_service_are_rejected_in_every_spelling(spelling: str) -> None:
    with pytest.raises(UrlRejected) as refused:
        urls.parse(spelling, POLICY)

    assert refused.value.code == "UnsafeUrl"


def test_private_hosts_may_be_allowed_by_setting() -> None:
    policy = UrlPolicy(own_hosts=frozenset({"127.0.0.2"}), allows_private=True)

    assert urls.parse("http://127.0.0.1/", policy).target == "http://127.0.0.1/"
    with pytest.raises(UrlRejected):
        urls.parse("http://127.0.0.2/", policy)


def test_stored_target_is_checked_by_the_current_rules() -> None:
    assert urls.is_still_allowed("https://shop.example/", POLICY)
    assert not urls.is_still_allowed("https://go.example.com/abc", POLICY)


AWKWARD = [
    *"/\\@:#?%.。．｡[]<>|^ \t\r\n\0\x7f\xa0\xad\u200b\u202e\ufeffı①йß≠",
    *("://", "%0d%0a", "%2e", "%5c", "http", "https", "xn--", "0x7f", "2130706433"),
    *("example.com", "evil.com", "go.example.com", "127.0.0.1", "localhost", "[::1]"),
    *("user:pw", "..", "рф", "443", "a", "б", "1"),
]
STARTS = ["https://", "http://", "HTTPS://", "https:", "", "https:\\\\"]


HOSTS = [
    "example.com",
    "магазин.рф",
    "go.example.com.evil.com",
    "a-b.example",
    "xn--p1ai.ru",
]


def leads_where_a_browser_reads_it(text: str) -> bool:
    """Return whether the URL is allowed, and check what must hold of its target."""
    try:
        safe = urls.parse(text, POLICY)
    except UrlRejected:
        return False
    target = ada_url.URL(safe.target)
    assert target.href == safe.target, text
    assert target.host == ada_url.URL(safe.given).host, text
    assert target.hostname.rstrip(".") not in POLICY.own_hosts, text
    assert target.protocol in {"http:", "https:"}, text
    assert not target.username, text
    assert safe.target.isascii(), text
    assert safe.target.isprintable(), text
    assert " " not in safe.target, text
    return True


@settings(max_examples=2_000, deadline=None)
@given(
    st.builds(
        lambda start, pieces: start + "".join(pieces),
        st.sampled_from(STARTS),
        st.lists(st.sampled_from(AWKWARD) | st.text(max_size=4), max_size=8),
    )
)
def test_target_has_the_host_that_a_browser_opens(text: str) -> None:
    leads_where_a_browser_reads_it(text)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**64))
def test_targets_of_100_000_urls_have_the_host_that_a_browser_opens(seed: int) -> None:
    """Let Hypothesis draw only the seed, because drawing every part takes minutes."""
    random = Random(seed)
    allowed = 0
    for _ in range(1_000):
        pieces = random.choices(AWKWARD, k=random.randrange(5))
        pieces.insert(random.randrange(2), random.choice(HOSTS))
        text = random.choice(["https://", "http://", *STARTS]) + "".join(pieces)
        allowed += leads_where_a_browser_reads_it(text)
    assert allowed > 100, "hardly anything was tried"
