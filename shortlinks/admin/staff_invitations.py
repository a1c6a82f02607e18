"""Sign invitations to the staff cookie, for browsers that a short host sent here."""

from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_GET

from shortlinks.admin.base import current_user
from shortlinks.domain.links import urls
from shortlinks.domain.visits import staff_handoff
from shortlinks.domain.visits.staff_handoff import Start


@require_GET
def invite(request: HttpRequest) -> HttpResponse:
    """Redirect to the short host with an invitation, if this session began the handoff.

    Other sessions are redirected to the dashboard.
    """
    start = staff_handoff.read_start(request.GET.get(staff_handoff.START, ""))
    if start is None or not start.is_of(request.session.session_key):
        return redirect("admin:index")
    challenge = request.GET.get(staff_handoff.CHALLENGE, "")
    if not challenge:
        _warn_of_blocked_cookies(request, start)
        return HttpResponseRedirect(staff_handoff.back_url(start.back))
    user = current_user(request)
    return HttpResponseRedirect(staff_handoff.invitation_url(user, start, challenge))


def _warn_of_blocked_cookies(request: HttpRequest, start: Start) -> None:
    host = urlsplit(urls.short_base_url(start.host)).hostname
    text = gettext(
        "This browser blocks the cookies of %(host)s, so your own opens of links there"
        " count as your clients'. Allow cookies for %(host)s, then sign in again."
    )
    messages.warning(request, text % {"host": host})
