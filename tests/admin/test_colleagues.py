"""The short host learns who is signed in, and the admin says what was not noted."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from shortlinks.domain.visits import staff_cookie
from shortlinks.models import ShortDomain, User
from tests import factories
from tests.admin.conftest import SignIn
from tests.admin.worlds import World

PAGE = {"Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Dest": "document"}


@pytest.fixture
def client(manager: User, sign_in: SignIn) -> Client:
    return sign_in(manager)


@pytest.fixture
def hosts_apart(settings: Settings) -> None:
    settings.BASE_URL = "https://crm.example"
    settings.SHORT_BASE_URL = "https://go.example"


def test_where_both_share_a_host_the_admin_sets_the_cookie(
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


def test_the_cookie_is_not_set_on_each_page(client: Client) -> None:
    client.get("/admin/", headers=PAGE)

    response: Any = client.get("/admin/", headers=PAGE)

    assert staff_cookie.cookie_name() not in response.cookies


def test_another_host_is_visited_once_and_the_page_comes_after(
    hosts_apart: None, client: Client, manager: User
) -> None:
    first: Any = client.get("/admin/?a=1", headers=PAGE)
    second: Any = client.get("/admin/?a=1", headers=PAGE)

    sent_to = urlsplit(first.headers["Location"])
    assert (sent_to.netloc, sent_to.path) == ("go.example", "/staff")
    accepted = staff_cookie.accept_handoff(parse_qs(sent_to.query)["t"][0])
    assert accepted is not None
    value, back = accepted
    assert back == "https://crm.example/admin/?a=1"
    header = staff_cookie.cookie_header(value).decode()
    assert header.startswith("__Host-slstaff=")
    assert header.endswith("; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax; Secure")
    assert second.status_code == 200


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

    sent_to = [urlsplit(page.headers.get("Location", "")).netloc for page in pages]
    assert sent_to == ["go.example", "go.shop.example", ""]
    assert pages[2].status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{"Accept": "*/*"}, {"Accept": "text/html", "Sec-Fetch-Dest": "iframe"}],
    ids=["what a page loads", "in a frame"],
)
def test_only_pages_are_sent_over(
    hosts_apart: None, client: Client, headers: dict[str, str]
) -> None:
    assert client.get("/admin/", headers=headers).status_code == 200


def test_strangers_are_sent_nowhere_but_to_the_login(hosts_apart: None) -> None:
    response: Any = Client().get("/admin/", headers=PAGE)

    assert response.headers["Location"].startswith("/admin/login/")


def test_an_own_open_is_told_once(client: Client, manager: User, own: World) -> None:
    factories.visit(own.link, staff=f"user {manager.pk}")
    factories.visit(own.link, staff="user 0")

    first = client.get("/admin/", headers=PAGE).content.decode()
    second = client.get("/admin/", headers=PAGE).content.decode()

    assert first.count(f"Your own open of {own.link.url}") == 1
    assert "try a private window" in first
    assert own.link.code not in first
    assert "Your own open" not in second
