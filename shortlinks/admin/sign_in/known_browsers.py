"""A cookie that shows in which browsers a user has signed in before.

Guesses of strangers at a password do not count against these browsers.
"""

import secrets
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from shortlinks.models import User

TTL = timedelta(days=400)  # browsers keep no cookie longer
SALT = "shortlinks.known_browser"
MAX_USERS = 5


def id_for(request: HttpRequest, user: User) -> str:
    """Return the id that this browser has for the user, or "" if it has none."""
    return _read(request).get(str(user.pk), "")


def remember(request: HttpRequest, response: HttpResponse, user: User) -> None:
    known = _read(request)
    id_ = known.pop(str(user.pk), "") or secrets.token_urlsafe(12)
    newest = {str(user.pk): id_, **dict(list(known.items())[: MAX_USERS - 1])}
    response.set_cookie(
        settings.KNOWN_BROWSER_COOKIE_NAME,
        signing.dumps(newest, salt=SALT),
        max_age=TTL,
        httponly=True,
        samesite="Lax",
        secure=settings.HTTPS,
    )


def _read(request: HttpRequest) -> dict[str, str]:
    try:
        cookie = request.COOKIES.get(settings.KNOWN_BROWSER_COOKIE_NAME, "")
        return dict(signing.loads(cookie, salt=SALT, max_age=TTL))
    except (signing.BadSignature, ValueError, TypeError):
        return {}
