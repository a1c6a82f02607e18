"""Staff cookies on short hosts, and notices of own opens."""

import contextlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from shortlinks.domain import redis_client
from shortlinks.domain.visits import staff_cookie, staff_handoff
from shortlinks.models import Account, ShortDomain, User
from tests import factories, services
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import World

PAGE = {"Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Dest": "document"}


@pytest.fixture
def client(manager: User, sign_in: SignIn) -> Client:
    return sign_in(manager)


@pytest.fixture
def hosts_apart(settings: Settings) -> None:
    settings.BASE_URL = "https://crm.example"
    settings.SHORT_BASE_URL = "https://go.example"


@contextlib.contextmanager
def unavailable_redis(settings: Settings) -> Iterator[None]:
    available = settings.REDIS_URL
    settings.REDIS_URL = f"redis://127.0.0.1:{services.free_port()}"
    redis_client.client.cache_clear()
    try:
        yield
    finally:
        settings.REDIS_URL = available
        redis_client.client.cache_clear()
        services.wait_for(lambda: not redis_client.breaker.is_open)


def test_staff_cookie_is_set_by_the_admin_on_a_shared_host(
    client: Client, manager: User
) -> None:
    response: Any = client.get("/admin/", headers=PAGE)

    cookie = response.cookies[staff_cookie.cookie_name()]
    name = staff_cookie.read(
        f"a=b; {cookie.key}={cookie.value}".encode(), manager.account_id or 0
    )
    assert name == f"user {manager.pk}"
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (
        True,
        "Lax",
        "/",
    )


def test_staff_cookie_is_not_set_on_every_page(client: Client) -> None:
    client.get("/admin/", headers=PAGE)

    response: Any = client.get("/admin/", headers=PAGE)

    assert staff_cookie.cookie_name() not in response.cookies


def left_for(response: Any) -> str:
    """Return the URL that the page opens at once, or nothing."""
    _, _, url = str(response.headers.get("Refresh", "")).partition("0; url=")
    return url


def started(response: Any) -> str:
    """Return the token with which the admin sent the browser to the short host."""
    return parse_qs(urlsplit(left_for(response)).query)["start"][0]


def call_back(client: Client, token: str, challenge: str = "challenge") -> Any:
    """Return to the admin, as the short host redirects the browser."""
    url = urlsplit(staff_handoff.callback_url(token, challenge))
    return client.get(f"{url.path}?{url.query}", headers=PAGE)


def test_short_host_is_visited_once_before_the_page(
    hosts_apart: None, client: Client, manager: User
) -> None:
    first: Any = client.get("/admin/?a=1", headers=PAGE)
    second: Any = client.get("/admin/?a=1", headers=PAGE)

    sent_to = urlsplit(left_for(first))
    assert (sent_to.netloc, sent_to.path) == ("go.example", "/staff")
    start = staff_handoff.read_start(started(first))
    assert start is not None
    assert staff_handoff.back_url(start.back) == "https://crm.example/admin/?a=1"
    assert second.status_code == 200


def test_invitation_is_signed_for_the_user_and_the_challenge(
    hosts_apart: None, client: Client, manager: User
) -> None:
    token = started(client.get("/admin/?a=1", headers=PAGE))

    responses = [call_back(client, token) for _ in range(2)]

    urls = [urlsplit(each.headers["Location"]) for each in responses]
    assert {(url.netloc, url.path) for url in urls} == {("go.example", "/staff")}
    invitations = [
        staff_handoff.read_invitation(parse_qs(url.query)["t"][0]) for url in urls
    ]
    assert [
        (each.user_id, each.account_id, each.challenge, each.back)
        for each in invitations
        if each
    ] == [(manager.pk, manager.account_id, "challenge", "/admin/?a=1")] * 2
    assert invitations[0] != invitations[1]  # each has its own nonce


def test_invitation_is_not_signed_in_another_session(
    hosts_apart: None, client: Client, sign_in: SignIn, manager: User
) -> None:
    """A user sends the URL to another user, or opens it in another browser."""
    token = started(client.get("/admin/", headers=PAGE))

    response = call_back(sign_in(manager), token)

    assert response.headers["Location"] == "/admin/"


def test_invitation_is_not_signed_without_a_session(
    hosts_apart: None, client: Client
) -> None:
    """A page sends a client's browser through the redirects."""
    token = started(client.get("/admin/", headers=PAGE))

    response = call_back(Client(), token)

    assert response.headers["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("token", ["", "junk"])
def test_invitation_is_not_signed_for_a_forged_start(
    hosts_apart: None, client: Client, token: str
) -> None:
    assert call_back(client, token).headers["Location"] == "/admin/"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "This browser blocks the cookies of go.example"),
        ("ru", "Браузер блокирует cookie сайта go.example"),
    ],
)
def test_blocked_cookies_are_mentioned_on_the_page(
    hosts_apart: None, client: Client, manager: User, language: str, text: str
) -> None:
    User.objects.update(language=language)
    token = started(client.get("/admin/?a=1", headers=PAGE))

    response = call_back(client, token, challenge="")

    assert response.headers["Location"] == "https://crm.example/admin/?a=1"
    assert text in client.get("/admin/", headers=PAGE).content.decode()


def test_short_host_is_not_visited_without_redis(
    hosts_apart: None, client: Client, settings: Settings
) -> None:
    with unavailable_redis(settings):
        assert client.get("/admin/", headers=PAGE).status_code == 200

    assert left_for(client.get("/admin/", headers=PAGE))


def test_browser_visits_few_hosts_in_a_row(
    hosts_apart: None, client: Client, account: Account
) -> None:
    """Browsers follow 16 to 20 redirects."""
    for number in range(3):
        factories.short_domain(account, host=f"go{number}.shop.example")

    pages = [client.get("/admin/", headers=PAGE) for _ in range(6)]

    assert [bool(left_for(page)) for page in pages] == [True, True, False] * 2


def test_each_short_domain_of_the_account_is_visited(
    hosts_apart: None, client: Client, manager: User
) -> None:
    assert manager.account is not None
    proven = {"verified_at": timezone.now()}
    own, other = manager.account, factories.account()
    ShortDomain.objects.create(account=own, host="go.shop.example", **proven)
    ShortDomain.objects.create(account=other, host="go.other.example", **proven)
    ShortDomain.objects.create(account=own, host="unproven.shop.example")

    pages: list[Any] = [client.get("/admin/", headers=PAGE) for _ in range(3)]

    sent_to = [urlsplit(left_for(page)).netloc for page in pages]
    assert sent_to == ["go.example", "go.shop.example", ""]
    assert pages[2].status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "*/*"},
        {"Accept": "text/html", "Sec-Fetch-Dest": "iframe"},
        {**PAGE, "Sec-Purpose": "prefetch;prerender"},
    ],
    ids=["what a page loads", "in a frame", "prerendered"],
)
def test_only_page_requests_visit_the_short_host(
    hosts_apart: None, client: Client, headers: dict[str, str]
) -> None:
    assert client.get("/admin/", headers=headers).status_code == 200


def test_anonymous_requests_are_redirected_to_the_login_only(hosts_apart: None) -> None:
    response: Any = Client().get("/admin/", headers=PAGE)

    assert response.headers["Location"].startswith("/admin/login/")


def test_own_open_is_shown_once(client: Client, manager: User, own: World) -> None:
    factories.visit(own.link, staff=f"user {manager.pk}")
    factories.visit(own.link, staff="user 0")

    first = client.get("/admin/", headers=PAGE).content.decode()
    second = client.get("/admin/", headers=PAGE).content.decode()

    assert first.count(f"Your own open of {own.link.url}") == 1
    assert "use a private window" in first
    assert own.link.code not in first
    assert "Your own open" not in second
