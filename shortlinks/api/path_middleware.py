"""Middleware that joins slashes in paths of the API, and forbids caching."""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from shortlinks.api.problems import API_PATHS

SLASHES = re.compile("//+")
ADMIN_PATH = "/admin/"


class ApiPathMiddleware:
    """Middleware that reads `//api//v4/…` as `/api/v4/…`, as amoCRM does.

    The official SDK sends two slashes. Responses of the API and the admin contain
    personal data, so no cache may store them, unless their view allows it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = SLASHES.sub("/", request.path_info)
        is_api = f"{path}/".startswith(API_PATHS)
        if is_api:
            request.path_info = request.path = path
        response = self._get_response(request)
        if is_api or path.startswith(ADMIN_PATH):
            response.headers.setdefault("Cache-Control", "no-store")
        return response
