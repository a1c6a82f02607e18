"""Middleware that rejects NUL in query strings of the admin: Postgres cannot store it.

Forms check their own fields, but lists, filters and autocompletes do not.
"""

from collections.abc import Callable

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse

from shortlinks.admin import browser_middleware


class NulMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        has_nul = "%00" in request.META.get("QUERY_STRING", "")
        if has_nul and browser_middleware.is_admin_path(request):
            raise BadRequest("NUL in the query")
        return self._get_response(request)
