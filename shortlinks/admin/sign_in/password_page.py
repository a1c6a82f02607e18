"""The page on which users sign in by password."""

import math
from typing import Any

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth import REDIRECT_FIELD_NAME, authenticate
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template import loader
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from unfold.forms import AuthenticationForm

from shortlinks.admin.sign_in import kept_entries, known_browsers
from shortlinks.domain.auth import guess_limits, known_networks, security_events
from shortlinks.domain.auth.guess_limits import Secret
from shortlinks.models import SecurityEventKind, User


class TooManyGuesses(forms.ValidationError):
    """Error that is raised instead of checking a password."""

    def __init__(self, wait_seconds: float) -> None:
        minutes = math.ceil(wait_seconds / 60)
        text = ngettext(
            "Too many attempts. Try again in %(n)d minute, or set a new password by"
            " e-mail.",
            "Too many attempts. Try again in %(n)d minutes, or set a new password by"
            " e-mail.",
            minutes,
        )
        super().__init__(text % {"n": minutes})
        self.wait_seconds = wait_seconds


class PasswordForm(AuthenticationForm):
    error_messages = {"invalid_login": _("Wrong e-mail or password.")}
    wait_seconds = 0.0

    def clean(self) -> dict[str, Any]:
        email = self.cleaned_data.get("username", "").strip().lower()
        password = self.cleaned_data.get("password", "")
        if email and password:
            self.user_cache = self._check(email, password)
        return self.cleaned_data

    def _check(self, email: str, password: str) -> User:
        """Return the user, or raise; wrong passwords are counted and recorded."""
        target = User.objects.filter(email=email).select_related("account").first()
        attempt = guess_limits.begin(
            Secret.PASSWORD,
            email,
            known_as=_known_as(self.request, target),
            user=target,
        )
        if not attempt.is_allowed:
            self.wait_seconds = attempt.wait_seconds
            raise TooManyGuesses(attempt.wait_seconds)
        user = authenticate(self.request, email=email, password=password)
        if not isinstance(user, User) or not user.is_staff:
            security_events.record(SecurityEventKind.SIGN_IN_FAILED, user=target)
            raise self.get_invalid_login_error()
        guess_limits.take_back(attempt)
        return user


def _known_as(request: HttpRequest | None, user: User | None) -> str:
    if user is None or request is None:
        return ""
    return known_browsers.id_for(request, user) or known_networks.current(user)


@sensitive_post_parameters()
@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    if admin.site.has_permission(request) and request.method != "POST":
        return HttpResponseRedirect(_next_url(request))
    form = PasswordForm(
        request, data=request.POST if request.method == "POST" else None
    )
    if form.is_valid():
        kept_entries.keep_until_signed_in(request)
        user = form.get_user()
        login = Login(user=user, email=user.email, redirect_url=_next_url(request))
        credentials = {"email": user.email}
        entered: HttpResponse = perform_password_login(request, credentials, login)
        return entered
    kept = kept_entries.context_of(request)
    if form.wait_seconds and not kept:
        return _blocked_page(request, form)
    return page(request, form, kept)


def page(
    request: HttpRequest,
    form: PasswordForm,
    context: dict[str, Any],
    *,
    status: int = 200,
) -> HttpResponse:
    """Return the page; after too many attempts, with `Retry-After`."""
    response = render(
        request,
        "admin/login.html",
        {
            **admin.site.each_context(request),
            "title": gettext("Sign in"),
            "form": form,
            "app_path": request.get_full_path(),
            REDIRECT_FIELD_NAME: _next_url(request),
            "providers": list(settings.OIDC_PROVIDERS.values()),
            **context,
        },
        status=status,
    )
    return _with_retry_after(response, form) if form.wait_seconds else response


def _blocked_page(request: HttpRequest, form: PasswordForm) -> HttpResponse:
    """Return a page that costs little, because guesses come by the thousand."""
    [reason] = form.non_field_errors()
    context = {"text": reason, "sign_in": request.get_full_path()}
    text = loader.render_to_string("shortlinks/too_many_attempts.html", context)
    return _with_retry_after(HttpResponse(text), form)


def _with_retry_after(response: HttpResponse, form: PasswordForm) -> HttpResponse:
    response.status_code = 429
    response.headers["Retry-After"] = str(math.ceil(form.wait_seconds))
    return response


def _next_url(request: HttpRequest) -> str:
    """Return the page that was asked for, if it is one of ours."""
    sent = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME)
    is_own = url_has_allowed_host_and_scheme(
        sent, {request.get_host()}, require_https=request.is_secure()
    )
    return sent if sent and is_own else reverse("admin:index")
