"""E-mails to the owners of tokens and OAuth authorizations that expire soon."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from shortlinks.domain import mail
from shortlinks.models import ApiToken, OAuthFamily

RETRY_AFTER = timedelta(hours=1)
BATCH_SIZE = 1000

Expiring = TypeVar("Expiring", ApiToken, OAuthFamily)
Text = tuple[str, str]  # subject and body


def send_next() -> bool:
    """Send one e-mail that is due; return False if there is none, or no mail server.

    The e-mail is claimed first, so that no lock is held while it is sent. If the server
    fails, it is tried again every hour until the token expires.
    """
    if not mail.has_server():
        return False
    token = _claim(ApiToken.objects.all(), Q(revoked_at=None))
    if token is not None:
        return _send(token, ApiToken.objects.all(), _token_text)
    family = _claim(OAuthFamily.objects.all(), Q(ended_at=None))
    if family is not None:
        return _send(family, OAuthFamily.objects.all(), _family_text)
    return False


@transaction.atomic
def _claim(rows: "QuerySet[Expiring]", is_valid: Q) -> Expiring | None:
    now = timezone.now()
    due = rows.filter(warning_due_at__lte=now)
    is_valid &= Q(expires_at__gt=now)
    outdated = due.exclude(is_valid).values("pk")[:BATCH_SIZE]
    rows.filter(pk__in=outdated).update(warning_due_at=None)
    active = Q(user__is_active=True, user__account__is_active=True)
    locked = due.filter(is_valid & active).select_for_update(
        skip_locked=True, no_key=True, of=("self",)
    )
    ordered = locked.select_related("user__account").order_by("warning_due_at")
    row = ordered.first()
    if row is not None:
        row.warning_due_at = now + RETRY_AFTER
        row.save(update_fields=["warning_due_at"])
    return row


def _send(
    row: Expiring, rows: "QuerySet[Expiring]", write: Callable[[Expiring], Text]
) -> bool:
    account = row.user.account
    assert account is not None  # noqa: S101  _claim requires an active one
    if not mail.send([row.user], account, lambda: write(row)):
        return False
    claimed = rows.filter(pk=row.pk, warning_due_at=row.warning_due_at)
    claimed.update(warning_due_at=None, owner_warned_at=timezone.now())
    return True


def _token_text(token: ApiToken) -> Text:
    page = reverse("admin:shortlinks_apitoken_change", args=[token.pk])
    values = {
        "name": token.name,
        "account": token.account.name,
        "expires": mail.moment(token.expires_at),
        "used": mail.moment(token.last_used_at) or gettext("never"),
        "page": f"{settings.BASE_URL}{page}",
    }
    subject = gettext("The API token “%(name)s” expires on %(expires)s")
    body = gettext(
        "Your API token “%(name)s” of %(account)s expires on %(expires)s."
        " The program that uses it then creates no more links.\n\n"
        "Last used: %(used)s\n\n"
        "If the token is still needed, ask an administrator for a new one in time."
        " Administrators find it here:\n"
        "%(page)s\n"
    )
    return subject % values, body % values


def _family_text(family: OAuthFamily) -> Text:
    integration = family.integration
    page = reverse("admin:shortlinks_integration_change", args=[integration.pk])
    values = {
        "name": integration.name,
        "account": integration.account.name,
        "expires": mail.moment(family.expires_at),
        "used": mail.moment(family.refreshed_at),
        "page": f"{settings.BASE_URL}{page}",
    }
    subject = gettext("The access of “%(name)s” expires on %(expires)s")
    body = gettext(
        "The integration “%(name)s” of %(account)s acts in your name. It has fetched no"
        " new tokens since %(used)s. Its access expires on %(expires)s.\n\n"
        "If it is still needed, let it refresh its tokens in time. Later, it needs a"
        " new authorization code from an administrator:\n"
        "%(page)s\n"
    )
    return subject % values, body % values
