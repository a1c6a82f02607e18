"""The host and scheme that the client used, from a trusted proxy's headers.

Responses contain absolute URLs (docs/contract.md), so a host from an untrusted header
would reach other clients.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from shortlinks.api import client_address
from shortlinks.domain import ip_addresses
from shortlinks.domain.auth import security_events
from shortlinks.domain.ip_addresses import Networks

HOST = "HTTP_X_FORWARDED_HOST"
SCHEME = "HTTP_X_FORWARDED_PROTO"


class TrustedProxyMiddleware:
    """Middleware that applies X-Forwarded-Host and -Proto of a trusted proxy.

    It also sets the client's address for security events.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response
        self._trusted = Networks(settings.TRUSTED_PROXIES)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        host, scheme = request.META.pop(HOST, ""), request.META.pop(SCHEME, "")
        peer = ip_addresses.packed(request.META.get("REMOTE_ADDR", ""))
        if self._trusted.contains(peer):
            _apply_forwarded(request, _nearest(host), _nearest(scheme).lower())
        with security_events.client(client_address.packed_address(request)):
            return self._get_response(request)


def _apply_forwarded(request: HttpRequest, host: str, scheme: str) -> None:
    if host:
        request.META["HTTP_HOST"] = host  # checked against ALLOWED_HOSTS
    if scheme in {"http", "https"}:
        request.META["wsgi.url_scheme"] = scheme


def _nearest(values: str) -> str:
    """Return the value that the nearest proxy added. Earlier ones may be forged."""
    return values.rpartition(",")[2].strip()
