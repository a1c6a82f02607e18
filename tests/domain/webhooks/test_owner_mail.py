"""Owners are told by e-mail when their webhook is disabled."""

import socket
from datetime import timedelta
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.db.models import F
from django.utils import timezone

from shortlinks.domain.webhooks import owner_mail, subscriptions
from shortlinks.models import Account, Contact, User, Webhook
from tests import factories
from tests.domain.webhooks.steps import deliver, write_note
from tests.receivers import Receiver

Outbox = list[EmailMessage]


@pytest.fixture
def disabled(
    contact: Contact, webhook: Webhook, receiver: Receiver, mailoutbox: Outbox
) -> Webhook:
    """Disable a webhook by a delivery, as the worker does."""
    receiver.answers = [(410, {})]
    write_note(contact)
    deliver()
    webhook.refresh_from_db()
    assert webhook.disabled_at is not None
    return webhook


def send_all() -> int:
    count = 0
    while owner_mail.send_next():
        count += 1
    return count


def pass_time(**times: Any) -> None:
    passed = timedelta(**times)
    Webhook.objects.update(
        mail_due_at=F("mail_due_at") - passed, disabled_at=F("disabled_at") - passed
    )


@pytest.mark.parametrize(
    ("language", "subject", "reason"),
    [
        (
            "en",
            "The webhook to 127.0.0.1 is disabled",
            "Reason: The server answered 410: it wants no more events.",
        ),
        (
            "ru",
            "Вебхук на 127.0.0.1 отключён",
            "Причина: Сервер ответил 410: события ему больше не нужны.",
        ),
    ],
)
def test_owner_is_told_once_in_their_language(
    disabled: Webhook, mailoutbox: Outbox, language: str, subject: str, reason: str
) -> None:
    User.objects.update(language=language)

    assert (send_all(), send_all()) == (1, 0)

    [mail] = mailoutbox
    assert disabled.created_by is not None
    assert mail.to == [disabled.created_by.email]
    assert mail.subject == subject
    assert reason in str(mail.body)
    assert f"/admin/shortlinks/webhook/{disabled.pk}/change/" in str(mail.body)
    assert "/hook" not in str(mail.body).replace("/webhook/", "")


def test_failing_webhook_that_is_not_disabled_sends_no_mail(
    contact: Contact, webhook: Webhook, receiver: Receiver, mailoutbox: Outbox
) -> None:
    receiver.answers = [(500, {})]
    write_note(contact)
    deliver()

    assert send_all() == 0


def test_administrators_are_told_if_the_owner_has_left(
    disabled: Webhook, account: Account, mailoutbox: Outbox
) -> None:
    User.objects.filter(pk=disabled.created_by_id).update(is_active=False)
    one, other = factories.admin(account), factories.admin(account)
    factories.user(account)

    send_all()

    [mail] = mailoutbox
    assert mail.to == [one.email, other.email]


def test_nobody_is_told_about_an_enabled_webhook(
    disabled: Webhook, mailoutbox: Outbox
) -> None:
    subscriptions.enable([disabled])

    assert send_all() == 0


def test_mail_is_sent_an_hour_later_if_the_server_fails(
    disabled: Webhook, mailoutbox: Outbox, settings: Any
) -> None:
    locmem = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with socket.create_server(("127.0.0.1", 0)) as closed:
        settings.EMAIL_HOST, settings.EMAIL_PORT = closed.getsockname()
    assert send_all() == 0

    settings.EMAIL_BACKEND = locmem
    pass_time(minutes=59)
    assert send_all() == 0
    pass_time(minutes=2)
    assert send_all() == 1
    assert len(mailoutbox) == 1


def test_mail_is_not_sent_a_day_later(disabled: Webhook, mailoutbox: Outbox) -> None:
    pass_time(hours=25)

    assert send_all() == 0
    assert not Webhook.objects.exclude(mail_due_at=None).exists()


def test_webhook_disabled_again_is_told_again(
    disabled: Webhook, contact: Contact, receiver: Receiver, mailoutbox: Outbox
) -> None:
    send_all()
    subscriptions.enable([disabled])
    receiver.answers = [(410, {})]
    write_note(contact)
    deliver()

    assert send_all() == 1
    assert timezone.now() - timedelta(minutes=5) < Webhook.objects.get().disabled_at  # type: ignore[operator]
