"""Pages of the user's own access: a forgotten password, sessions and tokens."""

from typing import Any

from allauth.account.forms import ResetPasswordForm
from allauth.account.views import PasswordResetView
from allauth.usersessions.models import UserSession
from allauth.usersessions.views import ListUserSessionsView
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from shortlinks.admin.base import current_user
from shortlinks.admin.sign_in import recent_sign_in
from shortlinks.domain import integers
from shortlinks.domain.auth import guess_limits, security_events, tokens
from shortlinks.domain.auth.guess_limits import Secret
from shortlinks.models import ApiToken, SecurityEventKind, User

MAX_TOKENS = 200


class ForgottenPasswordForm(ResetPasswordForm):  # type: ignore[misc]
    """A form with the same result for unknown e-mails and beyond the limit."""

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        email: str = self.cleaned_data["email"].lower()
        user = User.objects.filter(email=email, is_active=True).first()
        attempt = guess_limits.begin(Secret.RESET, email, user=user)
        if attempt.is_allowed and user is not None:
            kind = SecurityEventKind.PASSWORD_RESET
            security_events.record_frequent(kind, user=user)
            super().save(request, **kwargs)
        return email


class ForgottenPasswordView(PasswordResetView):  # type: ignore[misc]
    form_class = ForgottenPasswordForm


class OwnSessionsView(ListUserSessionsView):  # type: ignore[misc]
    template_name = "shortlinks/own_sessions.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        own = _own_tokens(self.request).order_by("expires_at", "pk")
        return {**super().get_context_data(**kwargs), "tokens": own[:MAX_TOKENS]}

    def form_valid(self, form: Any) -> HttpResponse:
        """End one session, or all but this one, after a recent sign-in."""
        recent_sign_in.require(self.request)
        user = current_user(self.request)
        others = UserSession.objects.filter(user=user).exclude(
            session_key=self.request.session.session_key
        )
        chosen = self.request.POST.get("session", "")
        if chosen != "others":
            others = others.filter(pk=integers.from_text(chosen) or 0)
        for session in others:
            session.end()
            security_events.record(SecurityEventKind.SESSION_ENDED, user=user)
        messages.info(self.request, gettext("The session has ended."))
        return HttpResponseRedirect(self.get_success_url())


@require_POST
def _revoke_token(request: HttpRequest) -> HttpResponse:
    id_ = integers.from_text(request.POST.get("token", ""))
    tokens.revoke(_own_tokens(request).filter(pk=id_ or 0))
    messages.info(request, gettext("The token is revoked."))
    return HttpResponseRedirect(reverse("usersessions_list"))


def _own_tokens(request: HttpRequest) -> QuerySet[ApiToken]:
    active = ApiToken.objects.filter(revoked_at=None, expires_at__gt=timezone.now())
    return active.filter(user=current_user(request)).select_related("integration")


password_reset = ForgottenPasswordView.as_view()
sessions = OwnSessionsView.as_view()
revoke_token = admin.site.admin_view(_revoke_token)
