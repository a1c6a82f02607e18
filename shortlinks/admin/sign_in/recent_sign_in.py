"""Rule for pages that require a sign-in again if the last one is not recent."""

import time

from allauth.account.internal.flows.login import get_authentication_records
from allauth.core.exceptions import ReauthenticationRequired
from django.conf import settings
from django.http import HttpRequest

from shortlinks.admin.sign_in.session_limits import SIGNED_IN_AT
from shortlinks.models import User


def require(request: HttpRequest) -> None:
    """Raise unless the user signed in within ACCOUNT_REAUTHENTICATION_TIMEOUT.

    Allauth's middleware then redirects to its page, and back.
    """
    if not is_recent(request):
        raise ReauthenticationRequired


def is_recent(request: HttpRequest) -> bool:
    user = request.user
    if not isinstance(user, User):
        return True  # the page itself leads to the sign-in
    records = get_authentication_records(request, user)
    signed_in_at = request.session.get(SIGNED_IN_AT, 0)
    latest = max([signed_in_at, *(record["at"] for record in records)])
    return bool(time.time() - latest < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)
