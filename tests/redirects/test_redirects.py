"""What a visitor meets: over HTTP, against a real process, Postgres and Valkey."""

import re
import socket
from datetime import timedelta
from typing import Any
from uuid import UUID

import ada_url
import httpx
import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shortlinks.domain.links import redis_cache, short_links
from shortlinks.domain.links.redis_cache import CachedAccount, CachedLink
from shortlinks.models import Account, ShortLink, Visit
from shortlinks.redirects import app
from tests import factories, services
from tests.factories import CHROME

COOKIE = re.compile(
    r"slpx=v1\.[0-9a-z]+\.[\w-]{22}\.[\w-]{22}; "
    r"Path=/; Max-Age=34560000; HttpOnly; SameSite=Lax"
)


def test_leads_to_the_source_url_with_the_headers_of_a_hit(
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
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
        "strict-transport-security": "max-age=31536000; includeSubDomains",
        "content-length": "0",
    }
    assert COOKIE.fullmatch(cookie)


def test_an_answered_open_is_stored_with_its_facts(
    visitor: httpx.Client, link: ShortLink
) -> None:
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


def test_a_browser_keeps_its_pixel(visitor: httpx.Client, link: ShortLink) -> None:
    first = visitor.get(f"/{link.code}")
    second = visitor.get(f"/{link.code}")

    assert "set-cookie" in first.headers
    assert "set-cookie" not in second.headers
    pixels = Visit.objects.order_by("id").values_list("pixel_sha256", "pixel_is_new")
    assert [is_new for _, is_new in pixels] == [True, False]
    assert len({bytes(sha256 or b"") for sha256, _ in pixels}) == 1


@pytest.mark.parametrize("header", ["Sec-GPC", "DNT"])
def test_who_objects_to_tracking_gets_no_pixel_and_is_led_on(
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
        {"Purpose": "prefetch"},
        {"X-Moz": "prefetch"},
        {"X-Purpose": "preview"},
    ],
    ids=str,
)
def test_a_prefetch_is_sent_away_so_that_the_click_comes(
    visitor: httpx.Client, link: ShortLink, header: dict[str, str]
) -> None:
    response = visitor.get(f"/{link.code}", headers=header)

    assert response.status_code == 503
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["vary"] == "Sec-Purpose, Purpose, X-Moz, X-Purpose"
    assert "location" not in response.headers
    assert "set-cookie" not in response.headers
    assert Visit.objects.get().purpose != ""


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_not_allowed(
    visitor: httpx.Client, link: ShortLink, method: str
) -> None:
    response = visitor.request(method, f"/{link.code}")

    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")
    assert not Visit.objects.exists()


@pytest.mark.parametrize("glued", ["/", ".", ",", ")", "%29.", "…"])
def test_a_sign_that_a_messenger_glued_on_is_tolerated(
    visitor: httpx.Client, link: ShortLink, glued: str
) -> None:
    assert visitor.get(f"/{link.code}{glued}").status_code == 302


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
def test_an_unknown_code_answers_in_the_visitors_language(
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


def test_whatever_has_ended_answers_like_what_never_was(
    visitor: httpx.Client, account: Account
) -> None:
    answers = {
        name: visitor.get(f"/{code}") for name, code in ended_links(account).items()
    }

    def seen(response: httpx.Response) -> object:
        headers = {k: v for k, v in response.headers.items() if k != "date"}
        return response.status_code, headers, response.content

    assert {name: seen(a) for name, a in answers.items()} == dict.fromkeys(
        answers, seen(answers["unknown"])
    )
    assert answers["unknown"].status_code == 404
    assert not Visit.objects.exists()


def test_a_disabled_link_stops_within_the_life_of_the_cache(
    visitor: httpx.Client, link: ShortLink
) -> None:
    assert visitor.get(f"/{link.code}").status_code == 302

    short_links.disable(link)

    services.wait_for(lambda: visitor.get(f"/{link.code}").status_code == 404)


def test_a_link_expires_to_the_second_though_it_is_cached(
    visitor: httpx.Client, account: Account
) -> None:
    link = factories.link(factories.contact(account))
    link.expires_at = timezone.now() + timedelta(seconds=1.5)
    link.save()
    redis_cache.write({link.code: redis_cache.from_link(link)})
    assert visitor.get(f"/{link.code}").status_code == 302

    services.wait_for(lambda: visitor.get(f"/{link.code}").status_code == 404)

    assert timezone.now() >= link.expires_at


def test_a_link_that_redis_has_lost_is_found_in_postgres(
    visitor: httpx.Client, link: ShortLink
) -> None:
    redis_cache._client().delete(redis_cache.link_key(link.code))

    assert visitor.get(f"/{link.code}").status_code == 302


def test_the_accounts_settings_are_obeyed(
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


@pytest.mark.parametrize(
    ("url", "query", "location"),
    [
        ("https://a.example/", "utm=1&b=", "https://a.example/?utm=1&b="),
        ("https://a.example/?x=1", "y=2", "https://a.example/?x=1&y=2"),
        ("https://a.example/?x=1", "x=2", "https://a.example/?x=1"),
        ("https://a.example/?x=1", "%78=2&X=3", "https://a.example/?x=1&X=3"),
        ("https://a.example/?x=1#top", "y=2", "https://a.example/?x=1&y=2#top"),
        ("https://a.example/", "_sl=token", "https://a.example/"),
        ("https://a.example/", "_s%6C=token", "https://a.example/"),
        ("https://a.example/", "&&", "https://a.example/"),
        ("https://a.example/", "?_sl=token&b=1", "https://a.example/?b=1"),
        ("https://a.example/", "a=%0d%0aSet-Cookie:b", None),
    ],
)
def test_the_visitors_query_is_passed_on_and_overrides_nothing(
    visitor: httpx.Client, account: Account, url: str, query: str, location: str | None
) -> None:
    link = factories.link(factories.contact(account), url)

    response = visitor.get(f"/{link.code}?{query}")

    assert response.headers["location"] == (location or f"{url}?{query}")


@settings(max_examples=2000, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=40).filter(lambda query: b"#" not in query))
def test_no_query_moves_the_target_or_breaks_the_header(query: bytes) -> None:
    target = "https://shop.example/sale?x=1"

    led = app._target(CachedLink(1, 1, target), CachedAccount(), query)

    parsed = ada_url.URL(led)
    assert (parsed.origin, parsed.pathname) == ("https://shop.example", "/sale")
    assert parsed.search.startswith("?x=1")
    assert led.isascii()
    assert led.isprintable()


def test_a_query_in_plain_utf8_arrives_as_it_was() -> None:
    link, query = CachedLink(1, 1, "https://a.example/"), "utm=привет".encode()

    led = app._target(link, CachedAccount(), query)

    assert led == "https://a.example/?utm=%D0%BF%D1%80%D0%B8%D0%B2%D0%B5%D1%82"


def test_the_address_is_the_right_most_that_no_trusted_proxy_has(
    visitor: httpx.Client, link: ShortLink
) -> None:
    forwarded = "203.0.113.9, 198.51.100.7, 127.0.0.5"

    visitor.get(f"/{link.code}", headers={"X-Forwarded-For": forwarded})

    assert Visit.objects.get().address == "198.51.100.0"


def test_previews_may_look(visitor: httpx.Client) -> None:
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
def test_endless_headers_cost_the_client_its_connection(
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


def test_visits_of_many_visitors_at_once_are_all_stored(
    visitor: httpx.Client, link: ShortLink
) -> None:
    statuses = services.in_threads(
        lambda: visitor.get(f"/{link.code}").status_code, times=200
    )

    assert statuses == [302] * 200
    assert Visit.objects.count() == 200
