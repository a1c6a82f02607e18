"""URLs that events may be sent to, before their names are resolved."""

from ipaddress import ip_address
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlinks.domain.links.urls import UrlRejected
from shortlinks.domain.webhooks import destinations


@pytest.mark.parametrize(
    ("url", "code"),
    [
        pytest.param("http://receiver.example/", "UnsafeUrl", id="http"),
        pytest.param("https://receiver.example:22/", "UnsafeUrl", id="port"),
        pytest.param("https://receiver.example:80/", "UnsafeUrl", id="port of http"),
        pytest.param("https://user:pw@receiver.example/", "UnsafeUrl", id="user"),
        pytest.param("https://receiver.example\\@a.b/", "InvalidUrl", id="backslash"),
        pytest.param("ftp://receiver.example/", "InvalidUrl", id="ftp"),
        pytest.param("file:///etc/passwd", "InvalidUrl", id="file"),
        pytest.param("receiver.example", "InvalidUrl", id="no scheme"),
        pytest.param("https://localhost/", "UnsafeUrl", id="localhost"),
        pytest.param("https://localhost./", "UnsafeUrl", id="localhost."),
        pytest.param("https://redis/", "UnsafeUrl", id="single label"),
        pytest.param("https://db.internal/", "UnsafeUrl", id="internal"),
        pytest.param("https://127.0.0.1/", "UnsafeUrl", id="loopback"),
        pytest.param("https://2130706433/", "UnsafeUrl", id="decimal"),
        pytest.param("https://0177.0.0.1/", "UnsafeUrl", id="octal"),
        pytest.param("https://0x7f.1/", "UnsafeUrl", id="hex"),
        pytest.param("https://①②⑦.⓪.⓪.①/", "UnsafeUrl", id="digits in circles"),
        pytest.param("https://127.1/", "UnsafeUrl", id="short"),
        pytest.param("https://0/", "UnsafeUrl", id="zero"),
        pytest.param("https://169.254.169.254/", "UnsafeUrl", id="metadata"),
        pytest.param("https://10.0.0.1/", "UnsafeUrl", id="private"),
        pytest.param("https://8.8.8.8/", "UnsafeUrl", id="any bare address"),
        pytest.param("https://[::1]/", "UnsafeUrl", id="loopback 6"),
        pytest.param("https://[::ffff:127.0.0.1]/", "UnsafeUrl", id="mapped"),
        pytest.param("https://[2606:4700::1]/", "UnsafeUrl", id="bare 6"),
        pytest.param("https://receiver.example/" + "a" * 600, "TooLong", id="long"),
    ],
)
def test_destination_is_rejected(url: str, code: str) -> None:
    with pytest.raises(UrlRejected) as rejected:
        destinations.parse(url)

    assert rejected.value.code == code


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://receiver.example/a?b=c", "https://receiver.example/a?b=c"),
        ("https://receiver.example:8443/", "https://receiver.example:8443/"),
        ("https://receiver.example:443/", "https://receiver.example/"),
        ("https://пример.рф/", "https://xn--e1afmkfd.xn--p1ai/"),
    ],
)
def test_destination_is_accepted(url: str, target: str) -> None:
    assert destinations.parse(url) == target


PARTS = st.sampled_from(
    [
        *("receiver.example", "localhost", "db.internal", "127.0.0.1", "[::1]"),
        *("2130706433", "0x7f.1", "①②⑦.0.0.1", "магазин.рф", "user:pw@", "xn--"),
        *(":443", ":8443", ":80", ":0", ":65536", "/hook", "/", "\\", "@", "#", "?"),
        *(".", "。", ":", "%2e", "%00", "\0", "\t", " ", "\ud800"),
    ]
)
STARTS = st.sampled_from(["https://", "https://receiver.example", "http://", "HTTPS:"])


@given(STARTS, st.lists(PARTS | st.text(max_size=4), max_size=6))
def test_accepted_destination_is_a_public_name_over_https(
    start: str, parts: list[str]
) -> None:
    try:
        target = destinations.parse(start + "".join(parts))
    except UrlRejected:
        return

    url = urlsplit(target)
    host = (url.hostname or "").rstrip(".")
    assert (url.scheme, url.username, url.password) == ("https", None, None)
    assert url.port in {None, 8443}
    assert "." in host
    assert not host.endswith((".localhost", ".internal", ".local"))
    with pytest.raises(ValueError, match="does not appear to be"):
        ip_address(host)
    assert destinations.parse(target) == target
