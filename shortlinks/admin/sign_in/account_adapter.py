"""Allauth's adapter for accounts: no sign-up, our limits of guesses, our languages."""

import logging
from smtplib import SMTPException
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import translation

from shortlinks.admin.sign_in import (
    kept_entries,
    known_browsers,
    openid_connect,
    recent_sign_in,
)
from shortlinks.domain import languages
from shortlinks.domain.auth import guess_limits, security_events
from shortlinks.domain.auth.guess_limits import Secret
from shortlinks.models import User

logger = logging.getLogger(__name__)

UNKNOWN_ADDRESS = "0.0.0.0"  # noqa: S104  the column needs one
QUIET = frozenset({"account/messages/logged_in.txt"})


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Adapter without sign-up: administrators, imports and providers create users."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return reverse("admin:index")

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("usersessions_list")

    def get_client_ip(self, request: HttpRequest) -> str:
        return security_events.client_address() or UNKNOWN_ADDRESS

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        """Omit messages about what the next page shows anyway."""
        if message_template not in QUIET:
            super().add_message(request, level, message_template, *args, **kwargs)

    def reauthenticate(self, user: User, password: str) -> bool:
        """Check the password of a user who is signed in, within the limits."""
        attempt = guess_limits.begin(
            Secret.PASSWORD, user.email, known_as="signed in", user=user
        )
        if not attempt.is_allowed:
            raise self.validation_error("too_many_login_attempts")
        is_right = user.check_password(password)
        if is_right:
            guess_limits.take_back(attempt)
        return is_right

    def post_login(
        self, request: HttpRequest, user: User, **kwargs: Any
    ) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **kwargs)
        if kept_entries.are_kept(request):
            response = HttpResponseRedirect(reverse("admin_continue"))
        known_browsers.remember(request, response, user)
        return response

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Offer the user's providers, too; some users have no other method."""
        methods = super().get_reauthentication_methods(user)
        return [*methods, *openid_connect.reauthentication_methods(user)]

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Apply the rule of our own pages, for which a sign-in counts as well."""
        return not recent_sign_in.is_recent(context.request)

    def send_notification_mail(
        self,
        template_prefix: str,
        user: User,
        details: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        super().send_notification_mail(template_prefix, user, details, user.email)

    def send_mail(
        self, template_prefix: str, email: str, details: dict[str, Any]
    ) -> None:
        """Write in the user's language, which may not be the browser's."""
        user = User.objects.filter(email=email.lower()).first()
        language = languages.offered(user.language if user else "")
        try:
            with translation.override(language):
                super().send_mail(template_prefix, email, details)
        except (OSError, SMTPException) as error:
            # The change itself is stored. The page must not show who is a user.
            logger.warning("an e-mail to a user was not sent: %r", error)
