"""E-mails with a link by which a user sets a password."""

from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext

from shortlinks.domain import mail
from shortlinks.domain.auth import password_links, security_events
from shortlinks.domain.auth.password_links import PasswordLinkTokens
from shortlinks.models import SecurityEventKind, User


def send(user: User, by: User) -> bool:
    """Send a link to set a password; return False if the mail server refuses it."""
    is_invitation = password_links.is_invited(user)
    if not mail.send([user], user.account, lambda: _text(user, by)):
        return False
    kind = (
        SecurityEventKind.INVITED if is_invitation else SecurityEventKind.PASSWORD_RESET
    )
    security_events.record(kind, user=user, account=user.account)
    return True


def link(user: User) -> str:
    key = f"{user_pk_to_url_str(user)}-{PasswordLinkTokens().make_token(user)}"
    uidb36, _, token = key.partition("-")
    path = reverse(
        "account_reset_password_from_key", kwargs={"uidb36": uidb36, "key": token}
    )
    return f"{settings.BASE_URL}{path}"


def _text(user: User, by: User) -> tuple[str, str]:
    account = by.account.name if by.account else settings.BASE_URL
    values = {"by": by, "account": account, "link": link(user)}
    if password_links.is_invited(user):
        subject = gettext("Invitation to %(account)s")
        body = gettext(
            "%(by)s invites you to %(account)s.\n\n"
            "Set your password here. The link works once, within a week:\n"
            "%(link)s\n"
        )
    else:
        subject = gettext("A new password for %(account)s")
        body = gettext(
            "%(by)s asks you to set a new password for %(account)s.\n\n"
            "Set it here. The link works once, within an hour:\n"
            "%(link)s\n"
        )
    return subject % values, body % values
