"""The admin's page while Postgres is unavailable, which needs no query.

Requests are answered at once while the circuit breaker of the API is open. Otherwise,
each would wait for a connection in one of few threads.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.urls import reverse
from django.utils import translation

from shortlinks.api.database_breaker import RETRY_AFTER, breaker


class UnavailableMiddleware:
    """Middleware that runs before the first query of a page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if breaker.is_open and request.path.startswith(reverse("admin:index")):
            return render(request)
        return self._get_response(request)


def render(request: HttpRequest) -> HttpResponse:
    """Return the page in the browser's language, because the user's needs a query."""
    language = translation.get_language_from_request(request)
    is_form = request.method not in {"GET", "HEAD"}
    with translation.override(language):
        page = loader.render_to_string(
            "shortlinks/unavailable.html", {"is_form": is_form}
        )
    headers = {
        "Retry-After": RETRY_AFTER,
        "Cache-Control": "no-store",
        "Content-Language": language,
        "Vary": "Accept-Language",
    }
    return HttpResponse(page, status=503, headers=headers)
