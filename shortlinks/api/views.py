"""The base class of all views of the API."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import translation
from rest_framework.request import Request
from rest_framework.views import APIView

from shortlinks.api import denied_requests, gates, problems
from shortlinks.api.gates import CheckedRequest, Scopes
from shortlinks.api.problems import Problem
from shortlinks.domain.auth import permissions
from shortlinks.domain.auth.rate_limits import Acquired
from shortlinks.domain.auth.tokens import Caller
from shortlinks.models import Contact


class ApiView(APIView):
    """A view whose requests pass all gates (`gates.py`).

    `scopes` maps each method to its scopes, of which a token needs one. The methods in
    `confirms_token` accept a cached token, because they confirm it themselves.
    """

    http_method_names = ["get", "head", "post", "patch", "delete"]
    scopes: ClassVar[Mapping[str, Scopes]] = {}
    confirms_token: ClassVar[frozenset[str]] = frozenset()
    request: Request
    checked: CheckedRequest

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Respond in English, whatever language is active.

        A cached token may have changed, so it never causes a refusal: the request
        passes the gates again with the token from the database.
        """
        self.checked = self._checked(request)
        with translation.override("en"):
            response = self._respond(request, *args, **kwargs)
            if self.checked.has_cached_token and 400 <= response.status_code < 500:
                self.checked.accepts_cached_token = False
                response = self._respond(request, *args, **kwargs)
        if acquired := self.checked.acquired:
            _describe_limit(acquired, response)
        return response

    def check_gates(self, request: Request) -> None:
        gates.check(self.checked)
        request.user = self.checked.caller.user

    def contact(self, entity_id: int) -> Contact:
        """Return the contact with this id, if the caller may view it, or raise 404."""
        contact = permissions.visible_contact(entity_id, self.caller.user)
        if contact is None:
            raise Http404
        return contact

    @property
    def caller(self) -> Caller:
        assert not self.checked.has_cached_token  # noqa: S101  not confirmed yet
        return self.checked.caller

    def _respond(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Pass the gates, then call the handler: DRF's steps take twice as long."""
        self.request = Request(request)
        try:
            self.check_gates(self.request)
            return self._handler()(self.request, *args, **kwargs)
        except Exception as error:  # noqa: BLE001  every error becomes a problem
            return self._render_error(error)

    def _render_error(self, error: Exception) -> HttpResponse:
        response = problems.render(error, self.request._request.path)
        if response.status_code == 403 and not self.checked.has_cached_token:
            denied_requests.record(self.request, self.checked.user)
        return response

    def _handler(self) -> Callable[..., HttpResponse]:
        method = (self.request.method or "").lower()
        handler: Callable[..., HttpResponse] | None = getattr(self, method, None)
        if method not in self.http_method_names or handler is None:
            allowed = ", ".join(self.allowed_methods)
            detail = f"This path does not support {method.upper()}. Use {allowed}."
            raise Problem(405, detail, headers={"Allow": allowed})
        return handler

    def _checked(self, request: HttpRequest) -> CheckedRequest:
        method = "GET" if request.method == "HEAD" else request.method or ""
        return CheckedRequest(
            request,
            scopes=self.scopes.get(method),
            accepts_cached_token=method in self.confirms_token,
        )


def _describe_limit(acquired: Acquired, response: HttpResponse) -> None:
    """Add the limit with the fewest requests left, in headers of an IETF draft."""
    response.headers["RateLimit-Limit"] = str(acquired.limit.rate)
    response.headers["RateLimit-Remaining"] = str(acquired.left)
    response.headers["RateLimit-Reset"] = str(acquired.limit.seconds)


class PublicView(ApiView):
    """A view that needs no token."""

    def check_gates(self, request: Request) -> None:
        gates.require_database(self.checked)
