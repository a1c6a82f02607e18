"""Owners get one e-mail before a token or an OAuth authorization expires."""

import socket
from datetime import timedelta
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.utils import timezone

from shortlinks import tasks
from shortlinks.domain.auth import expiry_mail, oauth, tokens
from shortlinks.domain.auth.oauth import RegisteredIntegration
from shortlinks.models import Account, ApiToken, GrantKind, OAuthFamily, User

Outbox = list[EmailMessage]
URI = "https://crm.example/"


@pytest.fixture
def token(admin: User) -> ApiToken:
    """Return a token that expires in 13 days."""
    row = tokens.issue(admin, name="Shop").row
    expiring(row, days=13)
    return row


@pytest.fixture
def registered(admin: User) -> RegisteredIntegration:
    return oauth.register(user=admin, name="CRM", redirect_uri=URI)


@pytest.fixture
def refresh_token(registered: RegisteredIntegration, admin: User) -> str:
    code = oauth.authorize(registered.integration, admin)
    pair = oauth.redeem(registered.integration, kind=GrantKind.CODE, secret=code)
    expiring(OAuthFamily.objects.get(), days=13)
    return pair.refresh_token


def expiring(row: ApiToken | OAuthFamily, **left: int) -> None:
    """Move the row into the past, so that this time is left."""
    passed = row.expires_at - timezone.now() - timedelta(**left)
    for name in ("created_at", "expires_at", "warning_due_at"):
        setattr(row, name, getattr(row, name) - passed)
    row.save()


def send_all() -> int:
    count = 0
    while expiry_mail.send_next():
        count += 1
    return count


@pytest.mark.parametrize(
    ("language", "subject", "sentence"),
    [
        ("en", "The API token “Shop” expires on ", "Last used: never"),
        ("ru", "Токен API «Shop» истекает ", "Последнее использование: никогда"),
    ],
)
def test_owner_of_a_token_is_warned_once_in_their_language(
    token: ApiToken, mailoutbox: Outbox, language: str, subject: str, sentence: str
) -> None:
    User.objects.update(language=language)

    assert (send_all(), send_all()) == (1, 0)

    [mail] = mailoutbox
    assert mail.to == [token.user.email]
    assert mail.subject.startswith(subject)
    assert sentence in str(mail.body)
    assert f"/admin/shortlinks/apitoken/{token.pk}/change/" in str(mail.body)
    token.refresh_from_db()
    assert token.warning_due_at is None
    assert token.owner_warned_at is not None


@pytest.mark.parametrize(
    ("language", "subject", "sentence"),
    [
        ("en", "The access of “CRM” expires on ", "acts in your name"),
        ("ru", "Доступ «CRM» истекает ", "действует от вашего имени"),
    ],
)
def test_user_of_an_authorization_without_use_is_warned_once(
    refresh_token: str,
    admin: User,
    mailoutbox: Outbox,
    language: str,
    subject: str,
    sentence: str,
) -> None:
    User.objects.update(language=language)

    assert (send_all(), send_all()) == (1, 0)

    [mail] = mailoutbox
    assert mail.to == [admin.email]
    assert mail.subject.startswith(subject)
    assert sentence in str(mail.body)
    assert OAuthFamily.objects.get().owner_warned_at is not None


def test_refreshed_authorization_is_warned_about_later(
    registered: RegisteredIntegration, refresh_token: str, mailoutbox: Outbox
) -> None:
    send_all()

    oauth.redeem(registered.integration, kind=GrantKind.REFRESH, secret=refresh_token)

    family = OAuthFamily.objects.get()
    assert send_all() == 0
    assert family.owner_warned_at is None
    expiring(family, days=13)
    assert send_all() == 1


def test_fetched_access_token_is_not_warned_about(
    refresh_token: str, mailoutbox: Outbox
) -> None:
    assert ApiToken.objects.get().warning_due_at is None


@pytest.mark.parametrize(("days", "sent"), [(15, 0), (13, 1)])
def test_warning_is_sent_two_weeks_before(
    admin: User, mailoutbox: Outbox, days: int, sent: int
) -> None:
    expiring(tokens.issue(admin, name="Shop").row, days=days)

    assert send_all() == sent


def test_token_with_a_short_life_is_not_warned_about(
    admin: User, mailoutbox: Outbox
) -> None:
    row = tokens.issue(admin, name="Shop", life=timedelta(days=7)).row

    assert row.warning_due_at is None


def revoked(token: ApiToken) -> None:
    tokens.revoke([token])


def expired(token: ApiToken) -> None:
    ApiToken.objects.update(expires_at=timezone.now())


def of_an_inactive_user(token: ApiToken) -> None:
    User.objects.update(is_active=False)


def of_an_inactive_account(token: ApiToken) -> None:
    Account.objects.update(is_active=False)


@pytest.mark.parametrize(
    "end", [revoked, expired, of_an_inactive_user, of_an_inactive_account]
)
def test_invalid_token_is_not_warned_about(
    token: ApiToken, mailoutbox: Outbox, end: Any
) -> None:
    end(token)

    assert send_all() == 0


def test_ended_authorization_is_not_warned_about(
    registered: RegisteredIntegration, refresh_token: str, mailoutbox: Outbox
) -> None:
    oauth.revoke(registered.integration, refresh_token)

    assert send_all() == 0


def test_warning_is_sent_an_hour_later_if_the_server_fails(
    token: ApiToken, mailoutbox: Outbox, settings: Any
) -> None:
    locmem = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with socket.create_server(("127.0.0.1", 0)) as closed:
        settings.EMAIL_HOST, settings.EMAIL_PORT = closed.getsockname()
    assert send_all() == 0
    token.refresh_from_db()
    assert token.owner_warned_at is None

    settings.EMAIL_BACKEND = locmem
    assert send_all() == 0
    expiring(token, days=12, hours=22)
    assert send_all() == 1


def test_warning_waits_for_a_mail_server(
    token: ApiToken, mailoutbox: Outbox, settings: Any
) -> None:
    locmem = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    assert send_all() == 0

    settings.EMAIL_BACKEND = locmem
    assert send_all() == 1


def test_name_with_a_line_break_is_sent_in_one_line(
    token: ApiToken, mailoutbox: Outbox
) -> None:
    ApiToken.objects.update(name="Shop\nBcc: x@y.example")

    tasks.warn_token_owners()

    assert "\n" not in mailoutbox[0].subject
