"""E-mails to users, in their language and the time zone of their account."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import timezone, translation
from django.utils.formats import date_format

from shortlinks.domain import languages, time_zones
from shortlinks.models import Account, User

logger = logging.getLogger(__name__)


def has_server() -> bool:
    """Return whether `EMAIL_URL` names a mail server or folder."""
    return not settings.EMAIL_BACKEND.endswith("dummy.EmailBackend")


def send(
    recipients: Sequence[User],
    account: Account | None,
    write: Callable[[], tuple[str, str]],
) -> bool:
    """Send subject and body, which are written in the first recipient's language.

    Return False if the mail server fails. Operators may have no account.
    """
    zone = time_zones.get(account.time_zone) if account else None
    with (
        translation.override(languages.offered(recipients[0].language)),
        timezone.override(zone),
    ):
        subject, body = write()
    to = [user.email for user in recipients]
    one_line = " ".join(subject.split())  # a name may contain line breaks
    try:
        EmailMessage(subject=one_line, body=body, to=to).send()
    except (OSError, SMTPException) as error:
        ids = [user.pk for user in recipients]
        logger.warning("an e-mail to the users %s was not sent: %r", ids, error)
        return False
    return True


def moment(at: datetime | None) -> str:
    """Return a time in the current zone and language, or ""."""
    if at is None:
        return ""
    return date_format(timezone.localtime(at), "SHORT_DATETIME_FORMAT")
