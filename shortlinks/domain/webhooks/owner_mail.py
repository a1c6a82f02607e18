"""E-mails to the owners of webhooks that were disabled because they failed."""

from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from shortlinks.domain import mail
from shortlinks.domain.webhooks import failures
from shortlinks.models import User, Webhook

RETRY_AFTER = timedelta(hours=1)
GIVE_UP_AFTER = timedelta(days=1)
MAX_RECIPIENTS = 10


def send_next() -> bool:
    """Send one e-mail that is due; return False if there is none, or no mail server.

    The e-mail is claimed first, so that no lock is held while it is sent. If the server
    fails, it is tried again every hour for a day.
    """
    webhook = _claim()
    if webhook is None:
        return False
    recipients = _recipients(webhook)
    if recipients and not mail.send(
        recipients, webhook.account, lambda: _text(webhook)
    ):
        return False
    claimed = Webhook.objects.filter(pk=webhook.pk, mail_due_at=webhook.mail_due_at)
    claimed.update(mail_due_at=None)
    return True


@transaction.atomic
def _claim() -> Webhook | None:
    now = timezone.now()
    due = Webhook.objects.filter(mail_due_at__lte=now, account__is_active=True)
    due.filter(disabled_at__lt=now - GIVE_UP_AFTER).update(mail_due_at=None)
    locked = due.select_for_update(skip_locked=True, no_key=True, of=("self",))
    webhook = locked.select_related("account").order_by("mail_due_at").first()
    if webhook is not None:
        webhook.mail_due_at = now + RETRY_AFTER
        webhook.save(update_fields=["mail_due_at"])
    return webhook


def _recipients(webhook: Webhook) -> list[User]:
    """Return the owner, or the account's administrators if the owner has left."""
    active = User.objects.filter(is_active=True)
    owner = list(active.filter(pk=webhook.created_by_id))
    administrators = active.filter(account=webhook.account, is_admin=True)
    return owner or list(administrators.order_by("pk")[:MAX_RECIPIENTS])


def _text(webhook: Webhook) -> tuple[str, str]:
    """Return subject and body, with the host only: the URL may contain a secret."""
    page = reverse("admin:shortlinks_webhook_change", args=[webhook.pk])
    values = {
        "host": urlsplit(webhook.destination).hostname,
        "account": webhook.account.name,
        "since": mail.moment(webhook.failing_since),
        "error": failures.explain(webhook.last_error),
        "page": f"{settings.BASE_URL}{page}",
    }
    subject = gettext("The webhook to %(host)s is disabled")
    body = gettext(
        "The webhook of %(account)s to %(host)s has been failing since %(since)s"
        " and is disabled now. It gets no more events.\n\n"
        "Reason: %(error)s\n\n"
        "When the server works again, send a test and enable the webhook:\n"
        "%(page)s\n"
    )
    return subject % values, body % values
