"""Django's middleware for people: sessions, who they are, their forms and messages.

The API's programs have none of these, and do not pay for them with each call.
"""

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

OF_PROGRAMS = "/api/v4/"
Answer = HttpResponseBase | Awaitable[HttpResponseBase]


class _AdminOnly(MiddlewareMixin):
    async_capable = False

    def __call__(self, request: HttpRequest) -> Answer:
        if request.path.startswith(OF_PROGRAMS):
            return self.get_response(request)
        return super().__call__(request)


class AdminSessionMiddleware(_AdminOnly, SessionMiddleware):
    pass


class AdminCsrfMiddleware(_AdminOnly, CsrfViewMiddleware):
    """The API's views want a token in a header, which no other site can send."""


class AdminUserMiddleware(_AdminOnly, AuthenticationMiddleware):
    pass


class AdminMessageMiddleware(_AdminOnly, MessageMiddleware):
    pass


def is_admin_path(request: HttpRequest) -> bool:
    """One of the admin's pages is asked for."""
    return request.path.startswith(_root())


@cache
def _root() -> str:
    return reverse("admin:index")
