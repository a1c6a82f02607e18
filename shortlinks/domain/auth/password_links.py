"""Links by which a user sets a password: invitations, and after a forgotten password.

A link works once: its token depends on the password and on the last sign-in. An
invitation works for a week, any other link for an hour.
"""

from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.utils.http import base36_to_int

from shortlinks.models import User

RESET_SECONDS = 3600
INVITATION_SECONDS = 7 * 86_400  # PASSWORD_RESET_TIMEOUT


class PasswordLinkTokens(PasswordResetTokenGenerator):
    key_salt = "shortlinks.password_links"

    def check_token(self, user: User | None, token: str | None) -> bool:
        if user is None or not token or not super().check_token(user, token):
            return False
        return is_invited(user) or self._age(token) <= RESET_SECONDS

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        """Add `is_active`, so that deactivation ends links, like a changed e-mail."""
        return f"{super()._make_hash_value(user, timestamp)}{user.is_active}"

    def _age(self, token: str) -> int:
        made_at = base36_to_int(token.partition("-")[0])
        return self._num_seconds(self._now()) - made_at


def is_invited(user: User) -> bool:
    """Return whether the user has never had a password of their own."""
    return not user.has_usable_password() and user.last_login is None
