"""429 with `Retry-After` for who calls too often (contract §2)."""

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from shortlinks.api.authentication import Caller
from shortlinks.domain import rates


class TokenThrottle(BaseThrottle):
    """Each token and each account, whatever they call."""

    _wait = 0.0

    def allow_request(self, request: Request, view: APIView) -> bool:
        caller = request.auth
        if not isinstance(caller, Caller):
            return True
        token = caller.token
        limits = rates.limits(token.pk, token.account_id, token.rate)
        self._wait = rates.wait(limits)
        return not self._wait

    def wait(self) -> float:
        return self._wait
