"""`/healthz`: the process responds. `/readyz`: the stores that it needs respond."""

import threading
import time

import msgspec
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from shortlinks.domain import ip_addresses
from shortlinks.domain.monitoring import health
from shortlinks.domain.monitoring.health import Check

# The checks take a new connection and ten queries.
CHECK_INTERVAL_SECONDS = 0.5


class Readiness:
    """The results of the checks, which run at most once in CHECK_INTERVAL_SECONDS."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._checked_at = 0.0
        self._checks: list[Check] = []

    def checks(self) -> list[Check]:
        with self._lock:
            if time.monotonic() - self._checked_at > CHECK_INTERVAL_SECONDS:
                self._checks = health.check_web()
                self._checked_at = time.monotonic()
            return self._checks


readiness = Readiness()


@csrf_exempt  # otherwise CSRF would respond before the 405
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@csrf_exempt  # otherwise CSRF would respond before the 405
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    is_internal = ip_addresses.is_internal(
        ip_addresses.packed(request.META.get("REMOTE_ADDR", "")),
        is_forwarded="HTTP_X_FORWARDED_FOR" in request.META,
    )
    status, body = health.report(readiness.checks(), with_details=is_internal)
    return HttpResponse(
        msgspec.json.encode(body),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
