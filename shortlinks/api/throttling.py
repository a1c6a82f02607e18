"""429 with `Retry-After` for who calls too often (contract §2)."""

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from shortlinks.api.authentication import Caller
from shortlinks.domain.auth import rate_limits
from shortlinks.models import ApiToken

# In a request's META; no client's header is called so.
ALREADY_COUNTED = "shortlinks.has_passed"


def seconds_to_wait(request: HttpRequest, token: ApiToken) -> float:
    """0 if the request passes; it counts once, however often this is asked."""
    if ALREADY_COUNTED in request.META:
        return 0
    limits = rate_limits.limits_for_token(token.pk, token.account_id, token.rate)
    seconds = rate_limits.acquire(limits)
    if not seconds:
        request.META[ALREADY_COUNTED] = True
    return seconds


class TokenThrottle(BaseThrottle):
    """Each token and each account, whatever they call."""

    _wait = 0.0

    def allow_request(self, request: Request, view: APIView) -> bool:
        caller = request.auth
        if not isinstance(caller, Caller):
            return True
        self._wait = seconds_to_wait(request._request, caller.token)
        return not self._wait

    def wait(self) -> float:
        return self._wait
