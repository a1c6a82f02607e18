"""Which urls a link may lead to: the table of security §3.1, row by row."""

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
        ("https://a.example/\u200dв", "https://a.example/%E2%80%8D%D0%B2"),
    ],
)
def test_a_web_address_is_kept_with_the_target_of_a_browser(
    given_url: str, target: str
) -> None:
    assert urls.parse(given_url, POLICY) == SafeUrl(given_url, target)


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
        (" https://example.com/", "InvalidUrl"),
        ("https://example.com/ ", "InvalidUrl"),
        ("https://example.com/a b", "InvalidUrl"),
        ("https://example.com/\r\nSet-Cookie: a=b", "InvalidUrl"),
        ("https://example.com/\0", "InvalidUrl"),
        ("https://example.com/\x85", "InvalidUrl"),
        ("https://example.com/\u2028", "InvalidUrl"),
        ("https://example.com/\ufffd", "InvalidUrl"),
        ("https://example.com/" + chr(0xD800), "InvalidUrl"),
        ("https://exa mple.com/", "InvalidUrl"),
        ("https://xn--/", "UnsafeUrl"),
        ("https://example.com/" + "a" * 2048, "TooLong"),
    ],
)
def test_what_is_no_web_address_is_refused(given_url: str, code: str) -> None:
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
def test_own_domains_are_refused_in_every_spelling(spelling: str) -> None:
    with pytest.raises(UrlRejected) as refused:
        urls.parse(spelling, POLICY)

    assert refused.value.code == "UnsafeUrl"


def test_private_hosts_may_be_allowed_by_setting() -> None:
    policy = UrlPolicy(own_hosts=frozenset({"127.0.0.2"}), allows_private=True)

    assert urls.parse("http://127.0.0.1/", policy).target == "http://127.0.0.1/"
    with pytest.raises(UrlRejected):
        urls.parse("http://127.0.0.2/", policy)


def test_a_stored_target_is_checked_by_todays_rules() -> None:
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
    """Whether the url was allowed; if so, everything that must hold of its target."""
    try:
        safe = urls.parse(text, POLICY)
    except UrlRejected:
        return False
    target = ada_url.URL(safe.target)
    assert target.href == safe.target, text
    assert target.host == ada_url.URL(text).host, text
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
def test_a_target_leads_where_a_browser_reads_it(text: str) -> None:
    leads_where_a_browser_reads_it(text)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**64))
def test_so_do_the_targets_of_100_000_more_urls(seed: int) -> None:
    """Hypothesis draws the seed only: drawing every piece takes minutes."""
    random = Random(seed)
    allowed = 0
    for _ in range(1_000):
        pieces = random.choices(AWKWARD, k=random.randrange(5))
        pieces.insert(random.randrange(2), random.choice(HOSTS))
        text = random.choice(["https://", "http://", *STARTS]) + "".join(pieces)
        allowed += leads_where_a_browser_reads_it(text)
    assert allowed > 100, "hardly anything was tried"
