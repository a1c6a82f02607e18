"""Record denied requests as security events."""

from django.http import HttpRequest
from rest_framework.request import Request

from shortlinks.domain.auth import security_events
from shortlinks.models import SecurityEventKind, User


def record(request: Request | HttpRequest, user: object) -> None:
    """Record the method and route, without ids, if the user is known."""
    match = request.resolver_match
    if isinstance(user, User) and match is not None:
        detail = f"{request.method} {match.route}"
        kind = SecurityEventKind.ACCESS_DENIED
        security_events.record(kind, user=user, detail=detail)
