"""Middleware that adds ids, metrics and traces to requests."""

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.request import HttpHeaders

from shortlinks.observability import metrics, request_ids, tracing

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OFFERED_ID = HttpHeaders.to_wsgi_name(request_ids.HEADER)
# requests that no view handled: unknown paths, static files
NO_ROUTE = "none"


class RequestMetricsMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = request_ids.accept(request.META.get(OFFERED_ID))
        method = request.method if request.method in METHODS else "other"
        began = time.monotonic()
        with (
            request_ids.bound(request_id),
            tracing.current().request(method) as span,
        ):
            response = self._get_response(request)
            route = _route(request)
            span.set_response(route, response.status_code)
        seconds = time.monotonic() - began
        metrics.api_requests.labels(route, method, response.status_code).inc()
        metrics.api_seconds.labels(route, method).observe(seconds)
        response[request_ids.HEADER] = request_id
        return response


def _route(request: HttpRequest) -> str:
    """Return the URL pattern, so that there are no more labels than patterns."""
    match = request.resolver_match
    return match.route if match else NO_ROUTE
