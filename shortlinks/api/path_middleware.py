"""Middleware for the paths of the API: slashes, and no copies in caches."""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from shortlinks.api.problems import API_PATHS

SLASHES = re.compile("//+")


class ApiPathMiddleware:
    """Middleware that reads `//api//v4/…` as `/api/v4/…`, as amoCRM does.

    The official SDK sends two slashes. Responses contain personal data, so no cache may
    store them, unless their view allows it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = SLASHES.sub("/", request.path_info)
        if not f"{path}/".startswith(API_PATHS):
            return self._get_response(request)
        request.path_info = request.path = path
        response = self._get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        return response
