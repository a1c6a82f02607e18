"""Opens of staff are not taken for the client's."""

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from django.utils import timezone

from shortlinks.domain.links import redis_cache
from shortlinks.domain.visits import processing, staff_cookie
from shortlinks.models import Account, Note, PixelAttachment, ShortLink, User, Visit
from tests import factories


@pytest.fixture
def manager(account: Account) -> User:
    return factories.user(account)


@pytest.fixture
def staff(visitor: httpx.Client, manager: User) -> Iterator[httpx.Client]:
    """A browser with the staff cookie."""
    value = staff_cookie.cookie_value(manager.pk, manager.account_id)
    visitor.cookies.set(staff_cookie.cookie_name(), value)
    yield visitor
    visitor.cookies.clear()


def process_visits() -> None:
    Visit.objects.update(due_at=timezone.now() - timedelta(minutes=1))
    processing.process_due()


def test_open_of_staff_is_redirected_without_a_note(
    staff: httpx.Client, link: ShortLink, manager: User
) -> None:
    response = staff.get(f"/{link.code}")

    assert (response.status_code, response.headers["location"]) == (302, link.target)
    assert "set-cookie" not in response.headers
    process_visits()
    visit = Visit.objects.get()
    assert (visit.verdict, visit.staff) == ("staff", f"user {manager.pk}")
    assert not Note.objects.exists()
    assert not PixelAttachment.objects.exists()


def test_user_of_another_account_is_not_staff(
    staff: httpx.Client,
) -> None:
    elsewhere = factories.link(factories.contact(factories.account()))

    staff.get(f"/{elsewhere.code}")

    process_visits()
    assert Note.objects.get().link == elsewhere


def test_operator_is_staff_of_all_accounts(
    visitor: httpx.Client, link: ShortLink, transactional_db: None
) -> None:
    operator = factories.user(None, is_superuser=True)
    value = staff_cookie.cookie_value(operator.pk, operator.account_id)
    visitor.cookies.set(staff_cookie.cookie_name(), value)

    visitor.get(f"/{link.code}")

    assert Visit.objects.get().staff == f"user {operator.pk}"


@pytest.mark.parametrize("cookie", ["", "junk", "WzEsMV0:1vXYZa:c2lnbmF0dXJl"])
def test_forged_cookie_is_ignored(
    visitor: httpx.Client, link: ShortLink, cookie: str
) -> None:
    visitor.get(
        f"/{link.code}", headers={"Cookie": f"{staff_cookie.cookie_name()}={cookie}"}
    )

    assert Visit.objects.get().staff == ""


def test_open_from_an_office_address_is_staff(
    visitor: httpx.Client, account: Account, link: ShortLink
) -> None:
    account.office_networks = ["203.0.113.7", "2001:db8:5::/48"]
    account.save()
    redis_cache.refresh_account(account)

    for address in ("203.0.113.7", "2001:db8:5::9", "203.0.113.8"):
        visitor.get(f"/{link.code}", headers={"X-Forwarded-For": address})

    opened = Visit.objects.order_by("id").values_list("staff", "address")
    # The full address is compared, and only its network is stored.
    assert list(opened) == [
        ("office", "203.0.113.0"),
        ("office", "2001:db8:5::"),
        ("", "203.0.113.0"),
    ]


@pytest.mark.parametrize(
    ("forged", "found"), [(4, "user {}"), (5, ""), (900, "")], ids=str
)
def test_few_cookies_of_the_name_are_checked(
    manager: User, forged: int, found: str
) -> None:
    name = staff_cookie.cookie_name()
    value = staff_cookie.cookie_value(manager.pk, manager.account_id)
    cookies = f"{name}=W10:1:forged; " * forged + f"{name}={value}"
    assert manager.account_id is not None

    staff = staff_cookie.read(cookies.encode(), manager.account_id)

    assert staff == found.format(manager.pk)
