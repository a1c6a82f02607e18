"""Allauth's adapter for OpenID Connect, which calls the rules of `provider_users`."""

import logging
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from allauth.account.internal.flows import reauthentication
from allauth.account.internal.flows.login import record_authentication
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.base import AuthError, AuthProcess
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from shortlinks.admin.sign_in import checked_provider
from shortlinks.admin.sign_in.checked_provider import CheckedProvider
from shortlinks.domain.auth import provider_users, security_events
from shortlinks.domain.auth.identity_providers import Provider
from shortlinks.domain.auth.provider_users import Reason, Refused
from shortlinks.models import SecurityEventKind, User

logger = logging.getLogger(__name__)

TEXTS = {
    Reason.NO_EMAIL: _(
        "The provider has not confirmed your e-mail address. Confirm it there, or ask"
        " your administrator."
    ),
    Reason.NO_USER: _(
        "No user here has your e-mail address. Ask your administrator to invite you."
    ),
    Reason.NO_GROUP: _(
        "None of your groups may use this service. Ask your administrator to add you"
        " to one."
    ),
    Reason.NOT_HERE: _(
        "You cannot sign in through this provider. Sign in another way, or ask your"
        " administrator."
    ),
    Reason.INACTIVE: _(
        "Your user is deactivated. Ask your administrator to activate it."
    ),
}


class ProviderAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Adapter that offers no form for sign-up and stores no claims."""

    def get_provider(
        self, request: HttpRequest, provider: str, client_id: str | None = None
    ) -> CheckedProvider:
        found = super().get_provider(request, provider, client_id)
        return CheckedProvider(request, app=found.app)

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False

    def populate_user(
        self, request: HttpRequest, sociallogin: Any, data: dict[str, Any]
    ) -> Any:
        """Take the claims before allauth stores them; the user is chosen later."""
        answers = sociallogin.account.extra_data
        sociallogin.id_token = answers.get("id_token")
        sociallogin.claims = _claims(answers)
        sociallogin.account.extra_data = {}
        return sociallogin.user

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Let `provider_users` choose the user, or show why it refuses the sign-in."""
        checked_provider.check(sociallogin.id_token, sociallogin.state)
        provider = settings.OIDC_PROVIDERS[sociallogin.account.provider]
        subject: str = sociallogin.account.uid
        identity = provider_users.identity(provider, subject, sociallogin.claims)
        try:
            user = provider_users.enter(provider, identity)
        except Refused as error:
            page = error_page(request, provider, TEXTS[error.reason], status=403)
            raise ImmediateHttpResponse(page) from None
        sociallogin.user = user
        sociallogin.account = SocialAccount.objects.get(
            provider=provider.id, uid=subject
        )
        sociallogin.state["process"] = AuthProcess.LOGIN  # and never "connect"
        if request.user == user:
            raise ImmediateHttpResponse(_resume(request, user, sociallogin))

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: str = AuthError.UNKNOWN,
        exception: Exception | None = None,
        extra_context: dict[str, Any] | None = None,
    ) -> None:
        """Show a page of ours, unless the user has canceled."""
        if error == AuthError.CANCELLED:
            return
        configured = settings.OIDC_PROVIDERS[provider.sub_id]
        raise ImmediateHttpResponse(failure_page(request, configured, exception))


def failure_page(
    request: HttpRequest, provider: Provider, exception: Exception | None
) -> HttpResponse:
    """Record a failed sign-in, and show a page that names the reason."""
    logger.warning("provider %s: sign-in failed: %r", provider.id, exception)
    security_events.record_frequent(
        SecurityEventKind.SIGN_IN_FAILED,
        user=None,
        account=provider_users.account_of(provider),
        detail=provider.id,
    )
    text = _("The provider did not confirm who you are. Try again.")
    if exception is not None:
        text = _(
            "The provider is unavailable, or its answer is wrong. Try again later."
        )
    status = HTTPStatus.BAD_GATEWAY if exception else HTTPStatus.UNAUTHORIZED
    return error_page(request, provider, text, status=status)


def error_page(
    request: HttpRequest, provider: Provider, text: Any, *, status: int
) -> HttpResponse:
    context = {"provider": provider, "text": text}
    template = "socialaccount/authentication_error.html"
    return render(request, template, context, status=status)


def reauthentication_methods(user: Any) -> list[dict[str, str]]:
    """Return the providers with which the user has signed in before."""
    if not isinstance(user, User):
        return []
    links = SocialAccount.objects.filter(user=user).values_list("provider", flat=True)
    return [
        {
            "id": f"provider:{provider.id}",
            "description": provider.name,
            "url": reverse("openid_connect_login", args=[provider.id]),
        }
        for provider in settings.OIDC_PROVIDERS.values()
        if provider.id in links
    ]


def _claims(answers: dict[str, Any]) -> dict[str, Any]:
    """Join both sources of claims: some providers send groups in one of them only."""
    found = [answers.get(source) or {} for source in ("id_token", "userinfo")]
    subjects = {claims["sub"] for claims in found if claims}
    if len(subjects) != 1 or not all(_is_subject(subject) for subject in subjects):
        raise ValueError("the answers are not about one person")
    return {**found[0], **found[1]}


def _is_subject(value: object) -> bool:
    return isinstance(value, str) and value.isprintable()


def _resume(request: HttpRequest, user: User, sociallogin: Any) -> HttpResponse:
    """Continue the request that required a recent sign-in, in the same session.

    If nobody was signed in when it began, it does not count as recent. The user is then
    sent to the start page.
    """
    if checked_provider.ASKED_AT not in sociallogin.state:
        return HttpResponseRedirect(reverse("admin:index"))
    record_authentication(
        request,
        user,
        method="socialaccount",
        reauthenticated=True,
        provider=sociallogin.account.provider,
        uid=sociallogin.account.uid,
    )
    page = sociallogin.get_redirect_url(request) or ""
    request.GET = QueryDict(urlencode({REDIRECT_FIELD_NAME: page}))
    resumed: HttpResponse | None = reauthentication.resume_request(request)
    return resumed or HttpResponseRedirect(reverse("admin:index"))
