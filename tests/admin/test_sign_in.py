"""Second factors, sessions, and pages that ask for a secret again."""

import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.mail import EmailMessage
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from shortlinks.admin.sign_in import session_limits
from shortlinks.domain.auth import (
    field_encryption,
    invitations,
    password_links,
    second_factors,
)
from shortlinks.models import Account, ApiToken, SecurityEvent, User
from shortlinks.models import SecurityEventKind as Kind
from tests import factories
from tests.admin.conftest import SignIn, age
from tests.admin.fixtures_full_account import address, listing

PASSWORD = "correct horse battery staple"
NEW_PASSWORD = "violet anchor pelican"
INDEX = "/admin/account/second-factor/"


# --- second factors ----------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "is_required"),
    [({"is_admin": True}, True), ({"is_superuser": True}, True), ({}, False)],
    ids=["administrator", "operator", "manager"],
)
def test_second_factor_is_required(
    settings: Settings,
    sign_in: SignIn,
    account: Account,
    fields: dict[str, bool],
    *,
    is_required: bool,
) -> None:
    settings.REQUIRE_SECOND_FACTOR = "administrators"
    browser = sign_in(factories.user(account, **fields))

    answers = [
        browser.get("/admin/"),
        browser.get(listing(User)),
        browser.post(listing(User, "add"), {}),
        browser.get("/admin/statistics/days.csv"),
    ]

    led = [each.headers.get("Location") == INDEX for each in answers]
    assert led == [is_required] * 4


def test_pages_open_with_a_second_factor(
    settings: Settings, browser: Client, admin: User
) -> None:
    settings.REQUIRE_SECOND_FACTOR = "administrators"
    Authenticator.objects.create(user=admin, type="totp", data={"secret": "x"})

    assert browser.get(listing(User)).status_code == 200


def test_recovery_codes_alone_are_no_second_factor(
    settings: Settings, browser: Client, admin: User
) -> None:
    settings.REQUIRE_SECOND_FACTOR = "administrators"
    Authenticator.objects.create(user=admin, type="recovery_codes", data={})

    assert browser.get(listing(User)).headers["Location"] == INDEX


def test_secrets_of_factors_are_encrypted_and_survive_a_new_key(
    settings: Settings,
) -> None:
    encrypted = field_encryption.encrypt("JBSWY3DPEHPK3PXP")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "n" * 60

    assert "JBSWY3DPEHPK3PXP" not in encrypted
    assert field_encryption.decrypt(encrypted) == "JBSWY3DPEHPK3PXP"


def test_secrets_of_factors_are_encrypted_again_with_a_new_key(
    settings: Settings, admin: User
) -> None:
    old, new = settings.SECRET_KEY, "n" * 60
    for kind, name in (("totp", "secret"), ("recovery_codes", "seed")):
        data = {name: field_encryption.encrypt(kind), "used_mask": 3}
        Authenticator.objects.create(user=admin, type=kind, data=data)
    passkey = Authenticator.objects.create(user=admin, type="webauthn", data={"a": 1})
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = new, []

    assert second_factors.reencrypt_secrets() == 0  # without its key, it is kept
    settings.SECRET_KEY_FALLBACKS = [old]
    assert second_factors.reencrypt_secrets() == 2
    assert second_factors.reencrypt_secrets() == 0

    settings.SECRET_KEY_FALLBACKS = []
    totp, codes = Authenticator.objects.exclude(pk=passkey.pk).order_by("-type")
    assert field_encryption.decrypt(totp.data["secret"]) == "totp"
    assert field_encryption.decrypt(codes.data["seed"]) == "recovery_codes"
    assert codes.data["used_mask"] == 3


def test_administrator_removes_the_factors_of_a_lost_phone(
    browser: Client, manager: User
) -> None:
    Authenticator.objects.create(user=manager, type="totp", data={})

    browser.post(
        listing(User), {"action": "remove_factors", "_selected_action": manager.pk}
    )

    assert not Authenticator.objects.exists()
    assert SecurityEvent.objects.filter(kind=Kind.FACTOR_REMOVED, user=manager).exists()


def test_form_of_a_passkey_is_translated(browser: Client, admin: User) -> None:
    User.objects.filter(pk=admin.pk).update(language="ru")

    page = browser.get(f"{INDEX}webauthn/add/").content.decode()

    assert "Имя" in page
    assert not re.search(r">\s*Name\s*<", page)


# --- asking again ------------------------------------------------------------

SENSITIVE = (
    ("get", "/admin/shortlinks/apitoken/add/"),
    ("post", "/admin/shortlinks/apitoken/add/"),
    ("get", "/admin/shortlinks/integration/add/"),
    ("get", "/admin/shortlinks/user/add/"),
    ("post", "/admin/shortlinks/user/"),
    ("get", "/admin/statistics/days.csv"),
    ("get", "/admin/statistics/statistics.xlsx"),
    ("get", "/admin/account/second-factor/totp/activate/"),
    ("post", "/admin/account/sessions/"),
)


@pytest.mark.parametrize(("method", "path"), SENSITIVE)
def test_old_sign_in_is_asked_for_the_password(
    browser: Client, admin: User, method: str, path: str
) -> None:
    admin.set_password(PASSWORD)
    admin.save()
    browser.force_login(admin)
    age(browser, **{session_limits.SIGNED_IN_AT: 3600})

    asked: Any = getattr(browser, method)(path)
    again = asked.headers["Location"]
    confirmed = browser.post(again, {"password": PASSWORD})

    assert again.startswith("/admin/account/again/")
    assert confirmed.status_code in {200, 302}  # a form is sent again at once
    assert browser.get(path).status_code == 200


def test_wrong_password_does_not_open_sensitive_pages(
    browser: Client, admin: User
) -> None:
    admin.set_password(PASSWORD)
    admin.save()
    browser.force_login(admin)
    age(browser, **{session_limits.SIGNED_IN_AT: 3600})

    browser.post("/admin/account/again/", {"password": "wrong"})

    assert browser.get(listing(ApiToken, "add")).status_code == 302


def test_rights_of_a_user_change_only_after_a_recent_sign_in(
    browser: Client, admin: User, manager: User
) -> None:
    admin.set_password(PASSWORD)
    admin.save()
    browser.force_login(admin)
    age(browser, **{session_limits.SIGNED_IN_AT: 3600})

    response = browser.post(address(manager, "change"), {"is_admin": "on"})

    manager.refresh_from_db()
    assert response.headers["Location"].startswith("/admin/account/again/")
    assert not manager.is_admin


# --- links for passwords -----------------------------------------------------


@pytest.mark.parametrize(
    ("invited", "age", "works"),
    [
        (True, timedelta(days=6), True),
        (True, timedelta(days=8), False),
        (False, timedelta(minutes=50), True),
        (False, timedelta(minutes=70), False),
    ],
)
def test_links_work_for_a_time(
    manager: User,
    monkeypatch: pytest.MonkeyPatch,
    age: timedelta,
    *,
    invited: bool,
    works: bool,
) -> None:
    manager.set_password(None if invited else PASSWORD)
    generator = password_links.PasswordLinkTokens()
    token = generator.make_token(manager)
    later = generator._now() + age
    monkeypatch.setattr(generator, "_now", lambda: later)

    assert generator.check_token(manager, token) == works


def test_link_works_once(manager: User, mailoutbox: list[EmailMessage]) -> None:
    manager.set_unusable_password()
    manager.save()
    path = invitations.link(manager).partition("8000")[2]
    browser = Client()
    form = browser.get(path).headers["Location"]
    posted = dict.fromkeys(("password1", "password2"), NEW_PASSWORD)

    assert browser.post(form, posted).status_code == 302

    assert Client().get(path).status_code == 200  # a page that says it was used
    browser.post(form, dict.fromkeys(posted, PASSWORD))
    manager.refresh_from_db()
    assert manager.check_password(NEW_PASSWORD)


@pytest.mark.parametrize(
    "password",
    ["short", "Password2026!", "{email}", "qwertyuiop12", "vmxcu5gm88ckc"],
)
def test_weak_passwords_are_refused(manager: User, password: str) -> None:
    # The last one is leaked, and looks like a good one.
    password = password.format(email=manager.email)
    path = invitations.link(manager).partition("8000")[2]
    browser = Client()
    form = browser.get(path).headers["Location"]

    page = browser.post(form, {"password1": password, "password2": password})

    assert page.status_code == 200
    manager.refresh_from_db()
    assert not manager.has_usable_password() or not manager.check_password(password)


def test_entered_passwords_are_masked(manager: User, sign_in: SignIn) -> None:
    manager.set_password(PASSWORD)
    manager.save()
    link = invitations.link(manager).partition("8000")[2]
    pages: list[Any] = [Client().get("/admin/login/"), Client().get(link, follow=True)]
    own = sign_in(manager)
    age(own)
    paths = ["/admin/account/password/", "/admin/account/again/"]
    pages += [own.get(path, follow=True) for path in paths]

    for page in pages:
        inputs = re.findall(r"<input\b[^>]*name=.[^>]*password.*?>", text_of(page))
        assert inputs, page.request["PATH_INFO"]
        assert [tag for tag in inputs if 'type="password"' not in tag] == []


def text_of(page: Any) -> str:
    return str(page.content.decode())


@pytest.mark.parametrize("path", ["signup/", "email/", "login/code/"])
def test_other_pages_of_allauth_do_not_exist(db: None, path: str) -> None:
    response: Any = Client().get(f"/admin/account/{path}", follow=True)

    assert response.redirect_chain[-1][0].startswith("/admin/login/")


def test_command_prints_a_link_and_removes_factors(manager: User) -> None:
    Authenticator.objects.create(user=manager, type="totp", data={})
    printed = StringIO()

    call_command("invite", manager.email, "--without-factors", stdout=printed)

    assert (
        Client().get(printed.getvalue().strip().partition("8000")[2]).status_code == 302
    )
    assert not Authenticator.objects.exists()
