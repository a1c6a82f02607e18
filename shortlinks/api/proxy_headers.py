"""The host and scheme that the client used, as a trusted proxy tells them.

Lists answer with absolute hrefs (contract §4), so a host that anybody may claim would
be sent to the next client.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from shortlinks.domain import ip_addresses
from shortlinks.domain.ip_addresses import Networks

HOST = "HTTP_X_FORWARDED_HOST"
SCHEME = "HTTP_X_FORWARDED_PROTO"


class TrustedProxyMiddleware:
    """Middleware, before all that asks for the host: believes our proxies alone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response
        self._trusted = Networks(settings.TRUSTED_PROXIES)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        host, scheme = request.META.pop(HOST, ""), request.META.pop(SCHEME, "")
        peer = ip_addresses.packed(request.META.get("REMOTE_ADDR", ""))
        if self._trusted.contains(peer):
            _apply_forwarded(request, _nearest(host), _nearest(scheme).lower())
        return self._get_response(request)


def _apply_forwarded(request: HttpRequest, host: str, scheme: str) -> None:
    if host:
        request.META["HTTP_HOST"] = host  # checked against ALLOWED_HOSTS like any
    if scheme in {"http", "https"}:
        request.META["wsgi.url_scheme"] = scheme


def _nearest(values: str) -> str:
    """What the proxy next to us said; those before it may have been told anything."""
    return values.rpartition(",")[2].strip()
