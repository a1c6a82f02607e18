"""Those who work in the admin open links without being taken for the client."""

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import pytest
from django.conf import settings
from django.utils import timezone

from shortlinks.domain.links import redis_cache
from shortlinks.domain.visits import processing, staff_cookie
from shortlinks.models import Account, Note, PixelAttachment, ShortLink, User, Visit
from tests import factories


@pytest.fixture
def manager(account: Account) -> User:
    return factories.user(account)


@pytest.fixture
def colleague(visitor: httpx.Client, manager: User) -> Iterator[httpx.Client]:
    """A browser that the admin has sent over for its cookie."""
    invitation = urlsplit(staff_cookie.handoff_url(manager, "/admin/?page=2"))
    response = visitor.get(f"{invitation.path}?{invitation.query}")
    assert response.status_code == 303
    assert response.headers["location"] == f"{settings.BASE_URL}/admin/?page=2"
    yield visitor
    visitor.cookies.clear()


def follow_up_now() -> None:
    Visit.objects.update(due_at=timezone.now() - timedelta(minutes=1))
    processing.process_due()


def test_a_colleague_is_led_on_and_never_noted(
    colleague: httpx.Client, link: ShortLink, manager: User
) -> None:
    response = colleague.get(f"/{link.code}")

    assert (response.status_code, response.headers["location"]) == (302, link.target)
    assert "set-cookie" not in response.headers
    follow_up_now()
    visit = Visit.objects.get()
    assert (visit.verdict, visit.staff) == ("staff", f"user {manager.pk}")
    assert not Note.objects.exists()
    assert not PixelAttachment.objects.exists()


def test_a_colleague_of_another_account_is_a_client_here(
    colleague: httpx.Client,
) -> None:
    elsewhere = factories.link(factories.contact(factories.account()))

    colleague.get(f"/{elsewhere.code}")

    follow_up_now()
    assert Note.objects.get().link == elsewhere


def test_an_operator_is_everybodys_colleague(
    visitor: httpx.Client, link: ShortLink, transactional_db: None
) -> None:
    operator = factories.user(None, is_superuser=True)
    visitor.cookies.set(staff_cookie.cookie_name(), staff_cookie.cookie_value(operator))

    visitor.get(f"/{link.code}")

    assert Visit.objects.get().staff == f"user {operator.pk}"


@pytest.mark.parametrize("cookie", ["", "junk", "WzEsMV0:1vXYZa:c2lnbmF0dXJl"])
def test_a_forged_cookie_names_nobody(
    visitor: httpx.Client, link: ShortLink, cookie: str
) -> None:
    visitor.get(
        f"/{link.code}", headers={"Cookie": f"{staff_cookie.cookie_name()}={cookie}"}
    )

    assert Visit.objects.get().staff == ""


def test_only_the_admin_sends_for_cookies(visitor: httpx.Client, manager: User) -> None:
    path = staff_cookie.PATH
    for query in ("", "?t=", "?t=junk", f"?t={staff_cookie.cookie_value(manager)}"):
        response = visitor.get(f"{path}{query}")

        assert response.status_code == 404
        assert "set-cookie" not in response.headers


def test_opens_from_the_office_are_staffs(
    visitor: httpx.Client, account: Account, link: ShortLink
) -> None:
    account.office_networks = ["203.0.113.7", "2001:db8:5::/48"]
    account.save()
    redis_cache.refresh_account(account)

    for address in ("203.0.113.7", "2001:db8:5::9", "203.0.113.8"):
        visitor.get(f"/{link.code}", headers={"X-Forwarded-For": address})

    opened = Visit.objects.order_by("id").values_list("staff", "address")
    # the whole address decides, though only its network is kept
    assert list(opened) == [
        ("office", "203.0.113.0"),
        ("office", "2001:db8:5::"),
        ("", "203.0.113.0"),
    ]
