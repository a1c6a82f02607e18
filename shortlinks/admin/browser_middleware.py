"""Django's session, user, CSRF and message middleware, skipped for the API."""

from collections.abc import Awaitable
from functools import cache

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin

API_PREFIX = "/api/v4/"
Answer = HttpResponseBase | Awaitable[HttpResponseBase]


class _SkippedForApi(MiddlewareMixin):
    async_capable = False

    def __call__(self, request: HttpRequest) -> Answer:
        if request.path.startswith(API_PREFIX):
            return self.get_response(request)
        return super().__call__(request)


class AdminSessionMiddleware(_SkippedForApi, SessionMiddleware):
    pass


class AdminCsrfMiddleware(_SkippedForApi, CsrfViewMiddleware):
    """Django's CSRF check; the API needs none, as its token comes in a header."""


class AdminUserMiddleware(_SkippedForApi, AuthenticationMiddleware):
    pass


class AdminMessageMiddleware(_SkippedForApi, MessageMiddleware):
    pass


def is_admin_path(request: HttpRequest) -> bool:
    return request.path.startswith(_root())


@cache
def _root() -> str:
    return reverse("admin:index")
