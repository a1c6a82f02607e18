"""What all views of the API share."""

from typing import Any, ClassVar

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from shortlinks.api import problems
from shortlinks.api.authentication import Caller
from shortlinks.api.database_breaker import breaker
from shortlinks.api.throttling import TokenThrottle
from shortlinks.domain.auth import permissions
from shortlinks.models import Contact, Scope


class HasScope(BasePermission):
    """The token's scopes allow the view's method; contract: 403 `Invalid scope`."""

    message = "Invalid scope"

    def has_permission(self, request: Request, view: APIView) -> bool:
        method = "GET" if request.method == "HEAD" else request.method
        scope = getattr(view, "scopes", {}).get(method)
        caller = request.auth
        if scope is None or not isinstance(caller, Caller):
            return scope is None
        return scope in caller.token.scopes


class ApiView(APIView):
    """`scopes` says what a token needs for each method."""

    permission_classes = [IsAuthenticated, HasScope]
    throttle_classes = [TokenThrottle]
    http_method_names = ["get", "head", "post", "patch", "delete"]
    scopes: ClassVar[dict[str, Scope]] = {}
    request: Request

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if breaker.is_open:
            raise problems.database_unavailable()
        super().initial(request, *args, **kwargs)

    def check_permissions(self, request: Request) -> None:
        """What is refused counts for the limits, too."""
        super().check_throttles(request)
        super().check_permissions(request)

    def check_throttles(self, request: Request) -> None:
        """Done before the permissions, unlike DRF's order."""

    def contact(self, entity_id: int) -> Contact:
        """The contact that is called so, if the caller may view it; or 404."""
        contact = permissions.visible_contact(entity_id, self.caller.user)
        if contact is None:
            raise Http404
        return contact

    @property
    def caller(self) -> Caller:
        caller = self.request.auth
        assert isinstance(caller, Caller)  # noqa: S101  permissions have seen to it
        return caller

    def dispatch(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Programs read the same words whatever language their host prefers."""
        with translation.override("en"):
            return super().dispatch(request, *args, **kwargs)
