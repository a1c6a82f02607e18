"""Redirects over HTTP, with a real process, Postgres and Valkey."""

import re
import socket
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from django.utils import timezone

from shortlinks.domain import redis_client
from shortlinks.domain.links import redis_cache, short_links
from shortlinks.models import Account, ShortLink, Visit
from tests import factories, services
from tests.factories import CHROME

COOKIE = re.compile(
    r"slpx=v1\.[0-9a-z]+\.[\w-]{22}\.[\w-]{22}; "
    r"Path=/; Max-Age=34560000; HttpOnly; SameSite=Lax"
)


def test_redirect_has_the_target_and_security_headers(
    visitor: httpx.Client, link: ShortLink
) -> None:
    response = visitor.get(f"/{link.code}")

    headers = dict(response.headers)
    cookie = headers.pop("set-cookie")
    headers.pop("date")
    headers.pop("server")
    assert response.status_code == 302
    assert headers == {
        "location": "https://shop.example/sale",
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-robots-tag": "noindex, nofollow, noarchive",
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; form-action 'none';"
        " base-uri 'none'; frame-ancestors 'none'",
        "strict-transport-security": "max-age=31536000; includeSubDomains",
        "content-length": "0",
    }
    assert COOKIE.fullmatch(cookie)


def test_redirect_stores_the_visit(visitor: httpx.Client, link: ShortLink) -> None:
    before = timezone.now()

    visitor.get(
        f"/{link.code}",
        headers={
            "X-Forwarded-For": "198.51.100.77",
            "Referer": "https://user@web.telegram.org/k/?secret#1",
        },
    )

    visit = Visit.objects.get()
    assert visit.link == link
    assert before <= visit.occurred_at <= timezone.now()
    assert (visit.method, visit.user_agent) == ("GET", CHROME)
    assert visit.accept_language == "ru-RU,ru;q=0.9,en;q=0.8"
    assert visit.sec_fetch == "none navigate document ?1"
    assert (visit.referer, visit.purpose) == ("web.telegram.org", "")
    assert visit.address == "198.51.100.0"
    assert len(visit.visitor_hash) == 16
    assert len(visit.pixel_sha256 or b"") == 32
    assert visit.pixel_is_new
    assert isinstance(visit.id, UUID)
    assert visit.id.version == 7


@pytest.mark.parametrize(
    ("accept", "accepts_html"),
    [
        (["text/html,application/xhtml+xml,*/*;q=0.8"], True),
        (["application/xhtml+xml;q=0.9, Text/HTML"], True),
        (["application/xml", "text/html"], True),
        (["text/html", "application/xml"], True),
        (["image/avif,image/webp,image/*,*/*;q=0.8"], False),
        (["text/css,*/*;q=0.1"], False),
        (["*/*"], False),
        ([""], False),
        ([], True),
    ],
    ids=str,
)
def test_redirect_stores_whether_a_page_is_accepted(
    visitor: httpx.Client, link: ShortLink, accept: list[str], *, accepts_html: bool
) -> None:
    del visitor.headers["Accept"]

    visitor.get(f"/{link.code}", headers=[("Accept", value) for value in accept])

    assert Visit.objects.get().accepts_html == accepts_html


def test_browser_keeps_its_pixel(visitor: httpx.Client, link: ShortLink) -> None:
    first = visitor.get(f"/{link.code}")
    second = visitor.get(f"/{link.code}")

    assert "set-cookie" in first.headers
    assert "set-cookie" not in second.headers
    pixels = Visit.objects.order_by("id").values_list("pixel_sha256", "pixel_is_new")
    assert [is_new for _, is_new in pixels] == [True, False]
    assert len({bytes(sha256 or b"") for sha256, _ in pixels}) == 1


@pytest.mark.parametrize("header", ["Sec-GPC", "DNT"])
def test_redirect_has_no_pixel_if_the_browser_opts_out(
    visitor: httpx.Client, link: ShortLink, header: str
) -> None:
    response = visitor.get(f"/{link.code}", headers={header: "1"})

    assert response.status_code == 302
    assert "set-cookie" not in response.headers
    assert Visit.objects.get().pixel_sha256 is None


def test_head_has_the_headers_of_get_without_a_cookie(
    visitor: httpx.Client, link: ShortLink
) -> None:
    headers = dict(visitor.get(f"/{link.code}").headers)
    del headers["set-cookie"], headers["date"]
    visitor.cookies.clear()

    response = visitor.head(f"/{link.code}")

    found = dict(response.headers)
    del found["date"]
    assert (response.status_code, found) == (302, headers)
    assert set(Visit.objects.values_list("method", flat=True)) == {"GET", "HEAD"}


@pytest.mark.parametrize(
    "header",
    [
        {"Sec-Purpose": "prefetch"},
        {"Sec-Purpose": "prefetch;prerender"},
        {"Sec-Purpose": "Prefetch;anonymous-client-ip"},
        {"Purpose": "prefetch"},
        {"Purpose": "Prerender"},
        {"Purpose": "INSTANT"},
        {"X-Moz": "prefetch"},
        {"X-Moz": "Prefetch"},
        {"X-Purpose": "preview"},
        {"X-Purpose": "PREVIEW"},
        {"X-Sec-Purpose": "prefetch"},
        {"X-Firefox-AI": "1"},
    ],
    ids=str,
)
def test_prefetch_is_503_and_stored_with_its_purpose(
    visitor: httpx.Client, link: ShortLink, header: dict[str, str]
) -> None:
    response = visitor.get(f"/{link.code}", headers=header)

    assert response.status_code == 503
    assert response.headers["cache-control"] == "no-store"
    assert header.keys() < set(response.headers["vary"].split(", "))
    assert "location" not in response.headers
    assert "set-cookie" not in response.headers
    assert Visit.objects.get().purpose != ""


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_405(
    visitor: httpx.Client, link: ShortLink, method: str
) -> None:
    response = visitor.request(method, f"/{link.code}")

    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")
    assert not Visit.objects.exists()


@pytest.mark.parametrize("punctuation", ["/", ".", ",", ")", "%29.", "…"])
def test_punctuation_after_the_code_is_ignored(
    visitor: httpx.Client, link: ShortLink, punctuation: str
) -> None:
    assert visitor.get(f"/{link.code}{punctuation}").status_code == 302


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("ru", "Ссылка не работает"),
        ("ru-RU,ru;q=0.9,en;q=0.8", "Ссылка не работает"),
        ("de,en;q=0.5,ru;q=0.4", "This link does not work"),
        ("de", "This link does not work"),
        (";;q=x,,ru;q=y", "This link does not work"),
    ],
)
def test_unknown_code_is_404_in_the_language_of_the_visitor(
    visitor: httpx.Client, link: ShortLink, language: str, expected: str
) -> None:
    response = visitor.get("/AbcdefGHJKLm", headers={"Accept-Language": language})

    assert response.status_code == 404
    assert expected in response.text
    assert response.headers["content-type"] == "text/html; charset=utf-8"


def ended_links(account: Account) -> dict[str, str]:
    now = timezone.now()
    contact = factories.contact(account)

    def ended(url: str, **fields: Any) -> str:
        link = factories.link(contact, url, **fields)
        redis_cache.refresh([link])
        return link.code

    closed = factories.account(is_active=False)
    return {
        "unknown": "AbcdefGHJKLm",
        "disabled": ended("https://a.example/", disabled_at=now),
        "expired": ended("https://b.example/", expires_at=now - timedelta(seconds=1)),
        "closed": factories.link(factories.contact(closed)).code,
    }


def test_ended_links_get_the_response_of_unknown_ones(
    visitor: httpx.Client, account: Account
) -> None:
    answers = {
        name: visitor.get(f"/{code}") for name, code in ended_links(account).items()
    }

    def visible(response: httpx.Response) -> object:
        headers = {k: v for k, v in response.headers.items() if k != "date"}
        return response.status_code, headers, response.content

    assert {name: visible(a) for name, a in answers.items()} == dict.fromkeys(
        answers, visible(answers["unknown"])
    )
    assert answers["unknown"].status_code == 404
    assert not Visit.objects.exists()


def test_disabled_link_is_404_after_the_cache_has_expired(
    visitor: httpx.Client, link: ShortLink
) -> None:
    assert visitor.get(f"/{link.code}").status_code == 302

    short_links.disable(link)

    services.wait_for(lambda: visitor.get(f"/{link.code}").status_code == 404)


def test_cached_link_expires_in_time(visitor: httpx.Client, account: Account) -> None:
    link = factories.link(factories.contact(account))
    link.expires_at = timezone.now() + timedelta(seconds=1.5)
    link.save()
    redis_cache.write({link.code: redis_cache.from_link(link)})
    assert visitor.get(f"/{link.code}").status_code == 302

    services.wait_for(lambda: visitor.get(f"/{link.code}").status_code == 404)

    assert timezone.now() >= link.expires_at


def test_link_that_is_missing_in_redis_is_found_in_postgres(
    visitor: httpx.Client, link: ShortLink
) -> None:
    redis_client.client().delete(redis_cache.link_key(link.code))

    assert visitor.get(f"/{link.code}").status_code == 302


def test_redirect_follows_the_settings_of_the_account(
    visitor: httpx.Client, transactional_db: None
) -> None:
    account = factories.account(
        forward_query=False, respect_gpc=False, address_mask="none"
    )
    link = factories.link(factories.contact(account))

    response = visitor.get(f"/{link.code}?utm=1", headers={"Sec-GPC": "1"})

    assert response.headers["location"] == link.target
    assert "set-cookie" in response.headers
    assert Visit.objects.get().address is None


@pytest.mark.parametrize("glued", ["%3Futm=1%26b=2", "&utm=1&b=2", "/%3Futm=1&b=2"])
def test_query_that_was_encoded_into_the_path_is_added(
    visitor: httpx.Client, account: Account, glued: str
) -> None:
    link = factories.link(factories.contact(account), "https://a.example/?x=1")

    response = visitor.get(f"/{link.code}{glued}?c=3")

    assert response.headers["location"] == "https://a.example/?x=1&utm=1&b=2&c=3"


@pytest.mark.parametrize(
    ("url", "query", "location"),
    [
        ("https://a.example/", "utm=1&b=", "https://a.example/?utm=1&b="),
        ("https://a.example/?x=1", "y=2", "https://a.example/?x=1&y=2"),
        ("https://a.example/?x=1", "x=2", "https://a.example/?x=1"),
        ("https://a.example/?x=1", "%78=2&y=3", "https://a.example/?x=1&y=3"),
        ("https://a.example/?x=1", "x[]=2", "https://a.example/?x=1"),
        ("https://a.example/?sig=1", "y=2", "https://a.example/?sig=1"),
        ("https://a.example/?x=1#top", "y=2", "https://a.example/?x=1&y=2#top"),
        ("https://a.example/", "_sl=token", "https://a.example/"),
        ("https://a.example/", "_s%6C=token", "https://a.example/"),
        ("https://a.example/", "&&", "https://a.example/"),
        ("https://a.example/", "?_sl=token&b=1", "https://a.example/?b=1"),
        ("https://a.example/", "a=%0d%0aSet-Cookie:b", None),
    ],
)
def test_query_of_the_visitor_is_added_to_the_target(
    visitor: httpx.Client, account: Account, url: str, query: str, location: str | None
) -> None:
    link = factories.link(factories.contact(account), url)

    response = visitor.get(f"/{link.code}?{query}")

    assert response.headers["location"] == (location or f"{url}?{query}")


def test_address_is_the_last_one_of_no_trusted_proxy(
    visitor: httpx.Client, link: ShortLink
) -> None:
    forwarded = "203.0.113.9, 198.51.100.7, 127.0.0.5"

    visitor.get(f"/{link.code}", headers={"X-Forwarded-For": forwarded})

    assert Visit.objects.get().address == "198.51.100.0"


def test_robots_txt_allows_everything(visitor: httpx.Client) -> None:
    response = visitor.get("/robots.txt")

    assert (response.status_code, response.text) == (200, "User-agent: *\nDisallow:\n")


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: a\r\n" + b"x: y\r\n" * 50_000, id="many"
        ),
        pytest.param(b"GET /" + b"a" * 2_000_000 + b" HTTP/1.1\r\n\r\n", id="long"),
    ],
)
def test_connection_is_closed_after_too_long_headers(
    process: httpx.Client, raw: bytes
) -> None:
    port = process.base_url.port
    assert port is not None
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        answer = b""
        try:
            client.sendall(raw)
            client.sendall(raw)
            answer = client.recv(64)
        except (BrokenPipeError, ConnectionResetError):
            pass

    assert answer[:12] not in {b"HTTP/1.1 200", b"HTTP/1.1 302"}


def test_simultaneous_visits_are_all_stored(
    visitor: httpx.Client, link: ShortLink
) -> None:
    statuses = services.in_threads(
        lambda: visitor.get(f"/{link.code}").status_code, times=100
    )

    assert statuses == [302] * 100
    assert Visit.objects.count() == 100
