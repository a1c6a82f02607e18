"""`/healthz`: the process is alive. `/readyz`: which parts are there."""

import msgspec
from django.http import HttpRequest, HttpResponse

from shortlinks.domain import health


def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


def readyz(request: HttpRequest) -> HttpResponse:
    status, body = health.report(health.of_web())
    return HttpResponse(
        msgspec.json.encode(body),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
