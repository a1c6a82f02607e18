"""Lets the short host know who is signed in here, and says what was not noted."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext

from shortlinks.admin import browser_middleware
from shortlinks.domain.visits import staff_cookie
from shortlinks.models import User

COOKIE_CHECKED_UNTIL = "known_on_short_hosts_until"
NOTICES_SHOWN_UNTIL = "own_opens_told_until"
OWN_HOST = ""  # the service's, as `short_hosts` has it
RENEWED_AFTER = timedelta(days=1)
NOTICE_PERIOD = timedelta(minutes=10)


class StaffCookieMiddleware:
    """Middleware for the admin's pages alone.

    Remembered in the session before the browser is sent away, so that a short host
    that is down keeps nobody from working.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = _signed_in(request)
        if user is None:
            return self._get_response(request)
        if not _is_page(request):
            return self._get_response(request)
        unknown = _unknown_on(request, user)
        if unknown is None:
            _notify_own_opens(request, user)
            return self._get_response(request)
        _remember(request, unknown)
        if unknown == OWN_HOST and staff_cookie.is_same_host():
            _notify_own_opens(request, user)
            response = self._get_response(request)
            _hand_off(response, user)
            return response
        back = request.get_full_path()
        return HttpResponseRedirect(staff_cookie.handoff_url(user, back, unknown))


def _signed_in(request: HttpRequest) -> User | None:
    if request.method != "GET" or not browser_middleware.is_admin_path(request):
        return None
    user = request.user
    return user if isinstance(user, User) and user.is_staff else None


def _is_page(request: HttpRequest) -> bool:
    """A browser's navigation, and nothing that a page loads."""
    destination = request.headers.get("Sec-Fetch-Dest", "document")
    accepts = request.headers.get("Accept", "")
    return destination == "document" and "text/html" in accepts


def _unknown_on(request: HttpRequest, user: User) -> str | None:
    """The first short host on which this browser is not known as a colleague's."""
    known, now = (
        request.session.get(COOKIE_CHECKED_UNTIL, {}),
        timezone.now().isoformat(),
    )
    hosts = staff_cookie.short_hosts(user)
    return next((host for host in hosts if known.get(host, "") < now), None)


def _remember(request: HttpRequest, host: str) -> None:
    until = (timezone.now() + RENEWED_AFTER).isoformat()
    known = request.session.get(COOKIE_CHECKED_UNTIL, {})
    request.session[COOKIE_CHECKED_UNTIL] = {**known, host: until}


def _hand_off(response: HttpResponse, user: User) -> None:
    response.set_cookie(
        staff_cookie.cookie_name(),
        staff_cookie.cookie_value(user),
        max_age=staff_cookie.TTL,
        httponly=True,
        samesite="Lax",
        secure=staff_cookie.cookie_name().startswith("__Host-"),
    )


def _notify_own_opens(request: HttpRequest, user: User) -> None:
    told = request.session.get(NOTICES_SHOWN_UNTIL)
    since = timezone.now() - NOTICE_PERIOD
    if told:
        since = max(since, datetime.fromisoformat(told))
    opens = staff_cookie.own_opens(user, since)
    for own in opens:
        said = {
            "url": own.url,
            "time": date_format(timezone.localtime(own.opened_at), "H:i"),
        }
        text = gettext(
            "Your own open of %(url)s at %(time)s is not noted: to see what a client's"
            " open does, try a private window."
        )
        messages.info(request, text % said)
    if opens:
        request.session[NOTICES_SHOWN_UNTIL] = opens[0].opened_at.isoformat()
