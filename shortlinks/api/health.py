"""`/healthz`: the process is alive. `/readyz`: which parts are there."""

import msgspec
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from shortlinks.domain.monitoring import health


@csrf_exempt  # or it would answer before the 405
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@csrf_exempt  # or it would answer before the 405
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    status, body = health.report(health.check_web())
    return HttpResponse(
        msgspec.json.encode(body),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
