"""Set the staff cookie on short hosts, and show users their own opens."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext

from shortlinks.admin import browser_middleware, other_sites
from shortlinks.domain import redis_client
from shortlinks.domain.visits import staff_cookie, staff_handoff
from shortlinks.models import User

COOKIE_CHECKED_UNTIL = "staff_cookie_checked_until"
NOTICES_SHOWN_UNTIL = "own_opens_shown_until"
HOSTS_IN_A_ROW = "staff_hosts_in_a_row"
# Browsers follow 16 to 20 redirects, and each host needs five.
MAX_HOSTS_IN_A_ROW = 2
OWN_HOST = ""  # of the service, as in `staff_cookie.short_hosts`
RENEWED_AFTER = timedelta(days=1)
NOTICE_PERIOD = timedelta(minutes=10)


class StaffCookieMiddleware:
    """Middleware that redirects the browser to each short host to get its cookie.

    The session records this before the redirect, so an unavailable short host blocks
    the user only once. Without Redis, which an invitation needs, nobody is redirected.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = _signed_in(request)
        if user is None or not _is_page(request):
            return self._get_response(request)
        host = _next_host(request, user)
        if host == OWN_HOST and staff_cookie.is_same_host():
            return self._set_cookie(request, user)
        if host is not None and _may_leave(request):
            _mark_checked(request, host)
            return other_sites.leave(request, _start_url(request, host))
        request.session.pop(HOSTS_IN_A_ROW, None)
        _notify_own_opens(request, user)
        return self._get_response(request)

    def _set_cookie(self, request: HttpRequest, user: User) -> HttpResponse:
        _mark_checked(request, OWN_HOST)
        _notify_own_opens(request, user)
        response = self._get_response(request)
        response.set_cookie(
            staff_cookie.cookie_name(),
            staff_cookie.cookie_value(user.pk, user.account_id),
            max_age=staff_cookie.TTL,
            httponly=True,
            samesite="Lax",
            secure=staff_cookie.cookie_name().startswith("__Host-"),
        )
        return response


def _signed_in(request: HttpRequest) -> User | None:
    if request.method != "GET" or not browser_middleware.is_admin_path(request):
        return None
    if request.path == reverse("admin_staff"):
        return None
    user = request.user
    return user if isinstance(user, User) and user.is_staff else None


def _is_page(request: HttpRequest) -> bool:
    """Return whether the browser navigates, rather than loads a part of a page.

    A browser that prerenders a page would not follow redirects to another site.
    """
    destination = request.headers.get("Sec-Fetch-Dest", "document")
    accepts = request.headers.get("Accept", "")
    is_prerendered = "Sec-Purpose" in request.headers
    return destination == "document" and "text/html" in accepts and not is_prerendered


def _next_host(request: HttpRequest, user: User) -> str | None:
    """Return the first short host that this session has not checked for a day."""
    known, now = (
        request.session.get(COOKIE_CHECKED_UNTIL, {}),
        timezone.now().isoformat(),
    )
    hosts = staff_cookie.short_hosts(user)
    return next((host for host in hosts if known.get(host, "") < now), None)


def _may_leave(request: HttpRequest) -> bool:
    """Return whether to redirect to a short host, and count the redirect."""
    hosts = request.session.get(HOSTS_IN_A_ROW, 0)
    if hosts >= MAX_HOSTS_IN_A_ROW or not redis_client.is_available():
        return False
    request.session[HOSTS_IN_A_ROW] = hosts + 1
    return True


def _start_url(request: HttpRequest, host: str) -> str:
    back = request.get_full_path()
    return staff_handoff.start_url(request.session.session_key, host, back)


def _mark_checked(request: HttpRequest, host: str) -> None:
    until = (timezone.now() + RENEWED_AFTER).isoformat()
    known = request.session.get(COOKIE_CHECKED_UNTIL, {})
    request.session[COOKIE_CHECKED_UNTIL] = {**known, host: until}


def _notify_own_opens(request: HttpRequest, user: User) -> None:
    shown_until = request.session.get(NOTICES_SHOWN_UNTIL)
    since = timezone.now() - NOTICE_PERIOD
    if shown_until:
        since = max(since, datetime.fromisoformat(shown_until))
    opens = staff_cookie.own_opens(user, since)
    for own in opens:
        values = {
            "url": own.url,
            "time": date_format(timezone.localtime(own.opened_at), "H:i"),
        }
        text = gettext(
            "Your own open of %(url)s at %(time)s does not count. To test the link"
            " as a client, use a private window."
        )
        messages.info(request, text % values)
    if opens:
        request.session[NOTICES_SHOWN_UNTIL] = opens[0].opened_at.isoformat()
