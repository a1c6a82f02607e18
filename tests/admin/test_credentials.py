"""Codes, passwords and keys of sessions."""

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client
from pytest_django import Settings

from shortlinks.domain.auth import invitations, second_factors
from shortlinks.models import User
from tests.admin import totp_codes


def test_code_of_an_authenticator_app_works_once(admin: User) -> None:
    secret = totp.generate_totp_secret()
    app = totp.TOTP.activate(admin, secret)
    code = totp_codes.code(secret)

    assert [app.validate_code(code), app.validate_code(code)] == [True, False]


def test_code_of_an_earlier_period_is_refused(admin: User) -> None:
    secret = totp.generate_totp_secret()
    app = totp.TOTP.activate(admin, secret)
    code = totp_codes.code(secret, periods_ago=2)

    assert not app.validate_code(code)


def test_recovery_code_works_once(admin: User) -> None:
    codes = RecoveryCodes.activate(admin)
    code = codes.generate_codes()[0]

    assert [codes.validate_code(code), codes.validate_code(code)] == [True, False]


def test_password_is_checked_as_entered(
    manager: User, settings: Settings, client: Client
) -> None:
    manager.set_unusable_password()
    manager.save()
    form = client.get(invitations.link(manager).partition("8000")[2]).headers[
        "Location"
    ]
    entered = f"  {'Дли нный ' * 8} "
    client.post(form, {"password1": entered, "password2": entered})

    statuses = [
        Client()
        .post("/admin/login/", {"username": manager.email, "password": sent})
        .status_code
        for sent in (entered.strip(), entered.lower(), entered[:64], entered)
    ]

    assert statuses == [200, 200, 200, 302]


def test_sign_in_replaces_the_key_of_the_session(manager: User) -> None:
    manager.set_password("violet anchor pelican")
    manager.save()
    browser = Client()
    session = browser.session
    session["a"] = 1
    session.save()
    before = session.session_key

    sent = {"username": manager.email, "password": "violet anchor pelican"}
    browser.post("/admin/login/", sent)

    assert "_auth_user_id" in browser.session
    assert browser.session.session_key != before
    assert before
    assert not type(session)().exists(before)


@pytest.mark.parametrize("word", ["Furnitura", "shortlinks", "manager"])
def test_password_of_known_words_is_refused(manager: User, word: str) -> None:
    assert manager.account
    manager.account.name = "Furnitura"

    with pytest.raises(ValidationError):
        validate_password(f"{word}1234", manager)


@pytest.mark.parametrize("password", ["violet anchor pelican", "ж" * 5 + "8Ωñ¡≠∆“" * 9])
def test_long_password_of_any_characters_is_accepted(
    manager: User, password: str
) -> None:
    validate_password(password, manager)

    manager.set_password(password)

    assert manager.check_password(password)
    assert not manager.check_password(password[:-1])


def test_second_factor_may_be_required_of_everyone(
    settings: Settings, manager: User
) -> None:
    settings.REQUIRE_SECOND_FACTOR = "everyone"

    assert second_factors.is_missing(manager)
