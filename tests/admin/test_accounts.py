"""Admin pages for accounts, groups and users."""

from typing import Any

import msgspec
import pytest
from django.core.mail import EmailMessage
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from shortlinks.domain import redis_client
from shortlinks.domain.links import redis_cache
from shortlinks.models import Account, Group, User
from tests import factories
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import World, address, listing

LETTERS = {
    "contacts_view": "G",
    "contacts_edit": "M",
    "contacts_add": "D",
    "contacts_delete": "D",
    "contacts_export": "D",
}


@pytest.fixture
def client(admin: User, sign_in: SignIn) -> Client:
    return sign_in(admin)


def _settings(account: Account, **fields: object) -> dict[str, Any]:
    return {
        "name": account.name,
        "subdomain": account.subdomain,
        "country": "RU",
        "currency": "RUB",
        "language": "ru",
        "time_zone": "Europe/Moscow",
        "note_window": "600",
        "address_mask": "truncated",
        "pixel_mode": "on",
        "merge_mode": "auto",
        "max_browsers_per_link": "2",
        "max_browsers_per_contact": "5",
        **fields,
    }


def _person(account: Account | None, **fields: object) -> dict[str, Any]:
    return {
        "account": account.pk if account else "",
        "email": "New@Shop.Example",
        "name": "New",
        "language": "ru",
        "is_active": "on",
        **LETTERS,
        **fields,
    }


def test_account_settings_reach_the_redirects(
    client: Client,
    account: Account,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    posted = _settings(
        account, address_mask="none", respect_gpc="on", office_networks="192.0.2.0/24"
    )

    with django_capture_on_commit_callbacks(execute=True):
        client.post(address(account, "change"), posted)

    cached = redis_client.client().get(redis_cache.account_key(account.pk))
    assert msgspec.json.decode(cached) == [  # type: ignore[arg-type]
        False,
        True,
        "none",
        ["192.0.2.0/24"],
        "on",
    ]


@pytest.mark.parametrize(
    "fault",
    [
        {"time_zone": "Mars/Olympus"},
        {"note_window": "0"},
        {"address_mask": "some"},
        {"suspect_policy": "guess"},
        {"office_networks": "192.0.2.0/24, the office"},
    ],
    ids=["time zone", "note window", "address mask", "suspects", "offices"],
)
def test_account_rejects_invalid_settings(
    client: Client, account: Account, fault: dict[str, str]
) -> None:
    response: Any = client.post(address(account, "change"), _settings(account, **fault))

    assert response.context["adminform"].form.errors
    account.refresh_from_db()
    assert (account.time_zone, account.note_window) == ("Europe/Moscow", 600)


def test_new_user_is_invited_by_email(
    client: Client,
    account: Account,
    mailoutbox: list[EmailMessage],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        client.post(listing(User, "add"), _person(account, is_superuser="on"))

    user = User.objects.get(email="new@shop.example")
    letters = {name: getattr(user, name) for name in LETTERS}
    assert (user.account, user.is_superuser, letters) == (account, False, LETTERS)
    assert not user.has_usable_password()
    [mail] = mailoutbox
    assert mail.to == ["new@shop.example"]
    assert "Приглашение" in mail.subject
    assert "/admin/account/password/link/" in mail.body


@pytest.mark.parametrize(
    "fault",
    [
        {"contacts_edit": "A"},
        {"contacts_add": "M"},
        {"email": "manager@shop.example"},
    ],
    ids=["edits more than seen", "adds some", "e-mail taken"],
)
def test_user_form_rejects_invalid_values(
    client: Client, account: Account, fault: dict[str, str]
) -> None:
    factories.user(account, email="manager@shop.example")

    response: Any = client.post(listing(User, "add"), _person(account, **fault))

    assert response.context["adminform"].form.errors
    assert not User.objects.filter(name="New").exists()


def test_user_levels_and_group_are_changed(
    client: Client, account: Account, manager: User
) -> None:
    group = factories.group(account)
    posted = _person(account, group=group.pk, email="RENAMED@shop.example")

    client.post(address(manager, "change"), posted)

    manager.refresh_from_db()
    assert (manager.email, manager.group) == ("renamed@shop.example", group)
    assert (manager.contacts_view, manager.contacts_edit) == ("G", "M")


def test_language_change_is_confirmed_in_the_new_language(
    client: Client, account: Account, admin: User
) -> None:
    posted = _person(account, email=admin.email, language="ru", is_admin="on")

    page = client.post(address(admin, "change"), posted, follow=True)

    assert "Изменено: пользователь" in page.content.decode()


def test_user_cannot_be_deleted(client: Client, manager: User) -> None:
    response = client.post(address(manager, "delete"), {"post": "yes"})

    assert response.status_code == 403


def test_group_names_are_unique(client: Client, account: Account, own: World) -> None:
    posted = {"account": account.pk, "name": own.group.name}
    other = factories.group(account)

    pages: list[Any] = [
        client.post(listing(Group, "add"), posted),
        client.post(address(other, "change"), posted),
    ]

    for page in pages:
        assert "already exists" in str(page.context["adminform"].form.errors)


def test_group_is_deleted_only_if_empty(
    client: Client, account: Account, own: World
) -> None:
    empty = factories.group(account)

    for group in (empty, own.group):
        client.post(address(group, "delete"), {"post": "yes"})

    assert list(Group.objects.all()) == [own.group]


# --- operators ---------------------------------------------------------------


def test_operator_sees_all_accounts(
    sign_in: SignIn, operator: User, own: World, foreign: World
) -> None:
    client = sign_in(operator)

    statuses = [
        client.get(address(row, page)).status_code
        for world in (own, foreign)
        for row in world.rows()
        for page in ("change", "history")
    ]
    lists = [client.get(listing(type(row))).content.decode() for row in own.rows()]

    assert set(statuses) == {200}
    for page in lists:
        assert own.link.code not in page
        assert foreign.link.code not in page


def test_operator_filters_by_account(
    sign_in: SignIn, operator: User, own: World, foreign: World
) -> None:
    query = {"account__id__exact": foreign.account.pk}

    page: Any = sign_in(operator).get(listing(User), query)

    assert list(page.context["cl"].result_list) == [foreign.user]


def test_operator_creates_an_account_with_its_administrator(
    sign_in: SignIn, operator: User
) -> None:
    client = sign_in(operator)
    posted = _settings(Account(name="New", subdomain="new"), is_active="on")

    client.post(listing(Account, "add"), posted)
    account = Account.objects.get(subdomain="new")
    client.post(listing(User, "add"), _person(account, is_admin="on"))

    user = User.objects.get(email="new@shop.example")
    assert (user.account, user.is_admin, user.is_superuser) == (account, True, False)


def test_operator_cannot_create_a_user_without_a_matching_account(
    sign_in: SignIn, operator: User, own: World, foreign: World
) -> None:
    misfits = [_person(None), _person(own.account, group=foreign.group.pk)]
    client = sign_in(operator)

    pages: list[Any] = [client.post(listing(User, "add"), posted) for posted in misfits]

    assert all(page.context["adminform"].form.errors for page in pages)
    assert not User.objects.filter(email="new@shop.example").exists()


def test_operator_without_account_stays_one_after_a_change(
    sign_in: SignIn, operator: User
) -> None:
    posted = _person(None, email=operator.email)

    response: Any = sign_in(operator).post(address(operator, "change"), posted)

    operator.refresh_from_db()
    assert response.context["adminform"].form.errors
    assert operator.is_superuser


def test_django_groups_have_no_page(sign_in: SignIn, operator: User) -> None:
    assert b"/admin/auth/" not in sign_in(operator).get("/admin/").content
