"""Requests that come after the session has ended, or after another sign-in.

Their entries are kept and sent again (`kept_entries`).
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views import defaults
from django.views.decorators.cache import never_cache

from shortlinks.admin import browser_middleware, submissions
from shortlinks.admin.sign_in import kept_entries, password_page
from shortlinks.admin.sign_in.kept_entries import Kept

ACCOUNT_PAGES = "/admin/account/"  # its pages check by themselves who may use them


class SignInAgainMiddleware:
    """Middleware that answers a POST without a session with the sign-in page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        if request.method != "POST" or not browser_middleware.is_admin_path(request):
            return None
        if _is_account_page(request) or admin.site.has_permission(request):
            return None
        return _sign_in_page(request, kept_entries.of_request(request))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Keep the entries of our pages: their CSRF token may be of an older sign-in."""
    if not browser_middleware.is_admin_path(request):
        return defaults.permission_denied(request, PermissionDenied(reason))
    has_entries = _is_same_origin(request) and not _is_account_page(request)
    index = Kept(reverse("admin:index"))
    kept = kept_entries.of_request(request) if has_entries else index
    if not admin.site.has_permission(request):
        return _sign_in_page(request, kept)
    if _is_account_page(request):
        return HttpResponseRedirect(reverse("admin:index"))
    return _continue_page(request, kept, status=403)


@never_cache
def send_kept(request: HttpRequest) -> HttpResponse:
    """Send the entries that were kept before the sign-in."""
    kept = kept_entries.take(request)
    if kept is None:
        return HttpResponseRedirect(reverse("admin:index"))
    return _continue_page(request, kept, status=200)


def _is_account_page(request: HttpRequest) -> bool:
    paths = (reverse("account_login"), reverse("admin:logout"))
    return request.path in paths or request.path.startswith(ACCOUNT_PAGES)


def _is_same_origin(request: HttpRequest) -> bool:
    """Return False for a page of another site, whose entries are not the user's."""
    own = f"{request.scheme}://{request.get_host()}"
    origin = request.headers.get("Origin", own)  # browsers send it with every POST
    return origin in {own, *settings.CSRF_TRUSTED_ORIGINS}


def _sign_in_page(request: HttpRequest, kept: Kept) -> HttpResponse:
    back = urlencode({REDIRECT_FIELD_NAME: kept.path})
    context = {
        "title": gettext("Sign in again"),
        "app_path": f"{reverse('account_login')}?{back}",
        "has_ended": True,
        **kept_entries.context(kept),
    }
    form = password_page.PasswordForm(request)
    response = password_page.page(request, form, context, status=403)
    response.headers["Cache-Control"] = submissions.NOT_KEPT
    return response


def _continue_page(request: HttpRequest, kept: Kept, *, status: int) -> HttpResponse:
    """Return a page that sends the entries: at once, except for a 403 and for files."""
    context = {
        **admin.site.each_context(request),
        "title": gettext("Continue where you stopped"),
        "kept": kept,
        "is_sent": status == 200 and not kept.files,
    }
    response = render(request, "shortlinks/continue.html", context, status=status)
    response.headers["Cache-Control"] = submissions.NOT_KEPT
    return response
