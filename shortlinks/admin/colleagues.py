"""Lets the short host know who is signed in here, and says what was not noted."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext

from shortlinks.domain import colleagues
from shortlinks.models import User

KNOWN_UNTIL = "known_on_short_host_until"
TOLD_UNTIL = "own_opens_told_until"
RENEWED_AFTER = timedelta(days=1)
TELLS_OF = timedelta(minutes=10)


class KnownColleagues:
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
        is_page = _is_page(request)
        is_known = _is_known(request)
        if is_page and not is_known and not colleagues.share_a_host():
            _remember(request)
            back = request.get_full_path()
            return HttpResponseRedirect(colleagues.invitation(user, back))
        if is_page:
            _tell_of_own_opens(request, user)
        response = self._get_response(request)
        if not is_known and colleagues.share_a_host():
            _remember(request)
            _introduce(response, user)
        return response


def _signed_in(request: HttpRequest) -> User | None:
    if request.method != "GET" or not request.path.startswith(reverse("admin:index")):
        return None
    user = request.user
    return user if isinstance(user, User) and user.is_staff else None


def _is_page(request: HttpRequest) -> bool:
    """A browser's navigation, and nothing that a page loads."""
    destination = request.headers.get("Sec-Fetch-Dest", "document")
    accepts = request.headers.get("Accept", "")
    return destination == "document" and "text/html" in accepts


def _is_known(request: HttpRequest) -> bool:
    until = request.session.get(KNOWN_UNTIL, "")
    return bool(until > timezone.now().isoformat())


def _remember(request: HttpRequest) -> None:
    request.session[KNOWN_UNTIL] = (timezone.now() + RENEWED_AFTER).isoformat()


def _introduce(response: HttpResponse, user: User) -> None:
    response.set_cookie(
        colleagues.cookie_name(),
        colleagues.cookie_value(user),
        max_age=colleagues.LIFE,
        httponly=True,
        samesite="Lax",
        secure=colleagues.cookie_name().startswith("__Host-"),
    )


def _tell_of_own_opens(request: HttpRequest, user: User) -> None:
    told = request.session.get(TOLD_UNTIL)
    since = timezone.now() - TELLS_OF
    if told:
        since = max(since, datetime.fromisoformat(told))
    opens = colleagues.own_opens(user, since)
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
        request.session[TOLD_UNTIL] = opens[0].opened_at.isoformat()
