"""Guesses at secrets are limited, recorded, and lock out nobody else."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from allauth.mfa.totp.internal import auth as totp
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from shortlinks.admin.sign_in import kept_entries
from shortlinks.admin.sign_in.kept_entries import Kept
from shortlinks.domain import redis_client
from shortlinks.domain.auth.guess_limits import Secret
from shortlinks.models import SecurityEvent, SecurityEventKind, User
from tests import services
from tests.admin import totp_codes

PASSWORD = "correct horse battery staple"
LOGIN = "/admin/login/"
MANY = 40  # more than the limits at one target


@pytest.fixture(autouse=True)
def no_earlier_guesses() -> Iterator[None]:
    yield
    client = redis_client.client()
    for key in client.scan_iter("*rate:{guess}*"):
        client.delete(key)


@pytest.fixture
def person(admin: User) -> User:
    admin.set_password(PASSWORD)
    admin.save()
    return admin


def _enter(client: Client, email: str, password: str, address: str) -> Any:
    posted = {"username": email, "password": password}
    return client.post(LOGIN, posted, REMOTE_ADDR=address)


def test_guesses_from_many_addresses_are_blocked(person: User) -> None:
    statuses = [
        _enter(Client(), person.email, f"guess {n}", f"203.0.{n}.1").status_code
        for n in range(MANY)
    ]

    assert statuses[: Secret.PASSWORD.per_target] == [200] * Secret.PASSWORD.per_target
    assert set(statuses[Secret.PASSWORD.per_target :]) == {429}
    kinds = set(SecurityEvent.objects.values_list("kind", flat=True))
    assert kinds == {
        SecurityEventKind.SIGN_IN_FAILED,
        SecurityEventKind.SIGN_IN_BLOCKED,
    }


def test_guesses_at_many_users_from_one_address_are_blocked(db: None) -> None:
    limit = Secret.PASSWORD.per_address
    statuses = [
        _enter(Client(), f"user{n}@x.example", "guess", "203.0.113.5").status_code
        for n in range(limit + 5)
    ]

    assert statuses == [200] * limit + [429] * 5


def test_blocked_page_says_when_to_try_again(person: User) -> None:
    pages = [
        _enter(Client(), person.email, "guess", f"203.0.{n}.1") for n in range(MANY)
    ]

    page = pages[-1]
    assert 0 < int(page.headers["Retry-After"]) <= 600
    assert re.search(r"Try again in \d+ minutes", page.content.decode())
    assert reverse("account_reset_password") in page.content.decode()


def test_blocked_page_keeps_entries_that_wait_for_the_sign_in(person: User) -> None:
    kept = msgspec.json.encode(Kept("/admin/", [("name", "Anna")])).decode()
    posted = {"username": person.email, "password": "guess", kept_entries.FIELD: kept}
    pages = [
        Client().post(LOGIN, posted, REMOTE_ADDR=f"203.0.{n}.1") for n in range(MANY)
    ]

    page = pages[-1]
    assert page.status_code == 429
    assert "Anna" in page.content.decode()
    assert re.search(r"Try again in \d+ minutes", page.content.decode())


def test_right_password_does_not_pass_while_blocked(person: User) -> None:
    for n in range(MANY):
        _enter(Client(), person.email, "guess", f"203.0.{n}.1")

    assert _enter(Client(), person.email, PASSWORD, "203.0.99.1").status_code == 429


def test_owner_signs_in_from_a_known_browser_during_guesses(person: User) -> None:
    known = Client()
    _enter(known, person.email, PASSWORD, "198.51.100.7")
    known.cookies.pop("sessionid")
    for n in range(MANY):
        _enter(Client(), person.email, "guess", f"203.0.{n}.1")

    assert _enter(known, person.email, PASSWORD, "192.0.2.9").status_code == 302


def test_owner_signs_in_from_a_known_network_during_guesses(person: User) -> None:
    _enter(Client(), person.email, PASSWORD, "198.51.100.7")
    for n in range(MANY):
        _enter(Client(), person.email, "guess", f"203.0.{n}.1")

    response = _enter(Client(), person.email, PASSWORD, "198.51.100.200")

    assert response.status_code == 302


def test_known_browsers_cannot_guess_either(person: User) -> None:
    known = Client()
    _enter(known, person.email, PASSWORD, "198.51.100.7")
    known.cookies.pop("sessionid")

    statuses = [
        _enter(known, person.email, "guess", f"203.0.{n}.1").status_code
        for n in range(MANY)
    ]

    assert statuses.count(200) == Secret.PASSWORD.per_target


def test_cookie_of_another_user_helps_nobody(person: User, manager: User) -> None:
    manager.set_password(PASSWORD)
    manager.save()
    known = Client()
    _enter(known, manager.email, PASSWORD, "198.51.100.7")
    known.cookies.pop("sessionid")
    for n in range(MANY):
        _enter(Client(), person.email, "guess", f"203.0.{n}.1")

    assert _enter(known, person.email, "guess", "203.0.113.1").status_code == 429


def test_sign_ins_do_not_count_as_guesses(person: User) -> None:
    statuses = [
        _enter(Client(), person.email, PASSWORD, "203.0.113.1").status_code
        for _ in range(MANY)
    ]

    assert set(statuses) == {302}


def test_codes_are_limited(person: User) -> None:
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(person, secret)
    client = Client()
    page: Any = _enter(client, person.email, PASSWORD, "203.0.113.1")
    for _ in range(Secret.CODE.per_target):
        client.post(page.url, {"code": "000000"})

    client.post(page.url, {"code": totp_codes.code(secret)})

    assert "_auth_user_id" not in client.session
    blocked = SecurityEvent.objects.get(kind=SecurityEventKind.SIGN_IN_BLOCKED)
    assert (blocked.user_id, blocked.detail) == (person.pk, "code")


def test_links_for_new_passwords_are_limited(
    person: User, mailoutbox: list[Any]
) -> None:
    pages = [
        Client().post("/admin/account/password/forgotten/", {"email": email})
        for email in [person.email] * MANY + ["nobody@x.example"]
    ]

    assert len(mailoutbox) == Secret.RESET.per_target
    blocked = SecurityEvent.objects.get(kind=SecurityEventKind.SIGN_IN_BLOCKED)
    assert (blocked.user_id, blocked.detail) == (person.pk, "reset")
    assert {page.headers["Location"] for page in pages} == {
        "/admin/account/password/sent/"
    }


def test_failing_mail_server_tells_nothing(person: User, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", services.free_port()

    page = Client().post("/admin/account/password/forgotten/", {"email": person.email})

    assert page.headers["Location"] == "/admin/account/password/sent/"
