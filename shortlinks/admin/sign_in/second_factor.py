"""Second factors: allauth's adapter and forms, and the page for users without one."""

from collections.abc import Callable
from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base import forms as mfa_forms
from allauth.mfa.webauthn import forms as webauthn_forms
from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from shortlinks.admin import browser_middleware
from shortlinks.admin.sign_in.sign_in_again import ACCOUNT_PAGES
from shortlinks.domain.auth import field_encryption, guess_limits, second_factors
from shortlinks.domain.auth.guess_limits import Secret
from shortlinks.models import User


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "too_many_codes": _("Too many wrong codes. Try again in ten minutes."),
    }

    def encrypt(self, text: str) -> str:
        return field_encryption.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return field_encryption.decrypt(encrypted_text)

    def get_totp_issuer(self) -> str:
        return gettext("Short links") + f" {settings.BASE_URL.partition('://')[2]}"

    def _get_site_name(self) -> str:
        return gettext("Short links")


class _LimitedGuesses:
    """Mixin for forms with a code, which are blocked after too many wrong codes."""

    user: User

    def clean_code(self) -> str:
        attempt = guess_limits.begin(Secret.CODE, str(self.user.pk), user=self.user)
        if not attempt.is_allowed:
            raise SecondFactorAdapter().validation_error("too_many_codes")
        code: str = super().clean_code()  # type: ignore[misc]
        guess_limits.take_back(attempt)
        return code


class AuthenticateForm(_LimitedGuesses, mfa_forms.AuthenticateForm):  # type: ignore[misc]
    pass


class ReauthenticateForm(_LimitedGuesses, mfa_forms.ReauthenticateForm):  # type: ignore[misc]
    pass


class AddPasskeyForm(webauthn_forms.AddWebAuthnForm):  # type: ignore[misc]
    name = forms.CharField(label=_("Name"), required=False)


class EditPasskeyForm(webauthn_forms.EditWebAuthnForm):  # type: ignore[misc]
    name = forms.CharField(label=_("Name"), required=True)


class SecondFactorMiddleware:
    """Middleware that redirects users without a required factor to add one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        if not browser_middleware.is_admin_path(request) or _is_exempt(request.path):
            return None
        if not must_add_factor(request):
            return None
        return HttpResponseRedirect(reverse("mfa_index"))


def must_add_factor(request: HttpRequest) -> bool:
    """Return whether the user has to add a second factor before anything else."""
    user = request.user
    if not isinstance(user, User) or not second_factors.is_missing(user):
        return False
    return not _is_from_provider(request, user)


def _is_exempt(path: str) -> bool:
    exempt = ("account_login", "admin:logout", "admin:jsi18n")
    return path.startswith(ACCOUNT_PAGES) or path in map(reverse, exempt)


def _is_from_provider(request: HttpRequest, user: User) -> bool:
    """Return whether a provider signed the user in, and checked its own factors."""
    records = get_authentication_records(request, user)
    return any(record["method"] == "socialaccount" for record in records)
