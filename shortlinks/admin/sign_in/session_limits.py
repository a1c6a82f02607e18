"""Sessions end some hours after the last request, and some days after the sign-in.

When a session ends, the browser deletes the pages that it has cached.
"""

import time
from collections.abc import Callable
from datetime import timedelta

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse

from shortlinks.admin import browser_middleware
from shortlinks.models import User

SIGNED_IN_AT = "signed_in_at"
SEEN_AT = "seen_at"
# A session in use is written this often, so that it does not end.
PRECISION = timedelta(minutes=5)
# Cached pages, to which "Back" would return. Cookies stay, for `known_browsers`.
CLEARED = '"cache"'


class SessionLimitsMiddleware:
    """Middleware that ends old sessions, and notes where they were used last.

    SESSION_COOKIE_AGE, Django's own limit, counts from the last request.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        had_session = browser_middleware.is_admin_path(request) and isinstance(
            request.user, User
        )
        if not had_session:
            return self._get_response(request)
        self._check(request)
        before = _sign_ins(request)
        response = self._get_response(request)
        if not request.user.is_authenticated:
            response.headers["Clear-Site-Data"] = CLEARED
        elif _sign_ins(request) != before:
            _renew_key(request)
        return response

    def _check(self, request: HttpRequest) -> None:
        now, session = time.time(), request.session
        signed_in_at = session.setdefault(SIGNED_IN_AT, now)
        if now - signed_in_at > settings.SESSION_MAX_AGE:
            logout(request)
        elif now - session.get(SEEN_AT, 0) > PRECISION.total_seconds():
            session[SEEN_AT] = now
            UserSession.objects.create_from_request(request)


def _sign_ins(request: HttpRequest) -> list[object]:
    """Return a copy of the list to which allauth adds each sign-in."""
    return list(request.session.get(AUTHENTICATION_METHODS_SESSION_KEY, ()))


def _renew_key(request: HttpRequest) -> None:
    """Give the session a new key after another sign-in."""
    listed = UserSession.objects.filter(session_key=request.session.session_key)
    request.session.cycle_key()
    listed.update(session_key=request.session.session_key)
