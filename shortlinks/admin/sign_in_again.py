"""Requests that come after the session has ended, or after another sign-in.

Their entries are not lost: a page of ours keeps them, leads through the sign-in if it
is needed, and sends them again. Passwords are dropped, and files are chosen again.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import msgspec
from django.conf import settings
from django.contrib import admin
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views import csrf
from django.views.decorators.cache import never_cache

from shortlinks.admin import browser_middleware, submissions
from shortlinks.admin.accounts import LoginForm
from shortlinks.admin.upload_handler import ImportUploadHandler

FIELD = "kept"
MAX_KEPT = 512 * 1024  # characters
DROPPED = {
    "csrfmiddlewaretoken",
    "password",
    "password1",
    "password2",
    "old_password",
    "new_password1",
    "new_password2",
}


class Kept(msgspec.Struct, frozen=True):
    """Entries of a form, to be sent again to its path."""

    path: str
    fields: list[tuple[str, str]] = []
    files: list[tuple[str, str]] = []


class SignInAgainMiddleware:
    """Middleware that answers a POST without a session by a sign-in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        if request.method != "POST" or not browser_middleware.is_admin_path(request):
            return None
        if request.path in _sign_in_paths() or admin.site.has_permission(request):
            return None
        return _sign_in_page(request, _entries(request))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Keep the entries of our own pages, which have the token of an older sign-in."""
    if not browser_middleware.is_admin_path(request):
        return csrf.csrf_failure(request, reason)
    kept = (
        _entries(request) if _is_same_origin(request) else Kept(reverse("admin:index"))
    )
    if not admin.site.has_permission(request):
        return _sign_in_page(request, kept)
    if request.path in _sign_in_paths():
        return HttpResponseRedirect(reverse("admin:index"))
    return _continue_page(request, kept, status=403)


@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in, and send what was kept."""
    kept = _decode(request.POST.get(FIELD, ""))
    if kept is None:
        return admin.site.login(request)
    response = admin.site.login(request, _notice(kept))
    if not isinstance(response, HttpResponseRedirect):
        return response
    return _continue_page(request, kept, status=200)


def _sign_in_paths() -> tuple[str, str]:
    return reverse("admin:login"), reverse("admin:logout")


def _is_same_origin(request: HttpRequest) -> bool:
    """Return False for a page of another site, whose entries are not the user's."""
    own = f"{request.scheme}://{request.get_host()}"
    origin = request.headers.get("Origin", own)  # browsers send it with every POST
    return origin in {own, *settings.CSRF_TRUSTED_ORIGINS}


def _entries(request: HttpRequest) -> Kept:
    if request.path in _sign_in_paths():
        return Kept(reverse("admin:index"))
    sent = [(name, value) for name, all_ in request.POST.lists() for value in all_]
    fields = [(name, str(value)) for name, value in sent if name not in DROPPED]
    is_small = sum(len(name) + len(value) for name, value in fields) < MAX_KEPT
    return Kept(request.get_full_path(), fields if is_small else [], _files(request))


def _files(request: HttpRequest) -> list[tuple[str, str]]:
    stored = [(name, str(file)) for name, file in request.FILES.items()]
    skipped = [
        each
        for handler in request.upload_handlers
        if isinstance(handler, ImportUploadHandler)
        for each in handler.skipped
    ]
    return [*stored, *skipped]


def _decode(text: str) -> Kept | None:
    try:
        kept = msgspec.json.decode(text, type=Kept)
    except msgspec.MsgspecError:
        return None
    return kept if kept.path.startswith(reverse("admin:index")) else None


def _notice(kept: Kept) -> dict[str, Any]:
    has_entries = bool(kept.fields or kept.files)
    return {FIELD: msgspec.json.encode(kept).decode() if has_entries else ""}


def _sign_in_page(request: HttpRequest, kept: Kept) -> HttpResponse:
    back = urlencode({REDIRECT_FIELD_NAME: kept.path})
    context = {
        **admin.site.each_context(request),
        "title": gettext("Sign in again"),
        "form": LoginForm(request),
        "app_path": f"{reverse('admin:login')}?{back}",
        "has_ended": True,
        **_notice(kept),
    }
    response = render(request, "admin/login.html", context, status=403)
    response.headers["Cache-Control"] = submissions.NOT_KEPT
    return response


def _continue_page(request: HttpRequest, kept: Kept, *, status: int) -> HttpResponse:
    """Send the entries at once after a sign-in, unless something has to be added."""
    context = {
        **admin.site.each_context(request),
        "title": gettext("Continue where you stopped"),
        "kept": kept,
        "is_sent": status == 200 and not kept.files,
    }
    response = render(request, "shortlinks/continue.html", context, status=status)
    response.headers["Cache-Control"] = submissions.NOT_KEPT
    return response
