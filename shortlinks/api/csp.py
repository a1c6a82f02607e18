"""Content security policies of all responses of the API and the admin."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

HEADER = "Content-Security-Policy"
_NOTHING_ELSE = ("base-uri 'none'", "frame-ancestors 'none'", "object-src 'none'")

# Pages load our own files only. Some widgets have images as data URLs. Browsers apply
# `form-action` to redirects after a form too, so `shortlinks.admin.other_sites` sends
# browsers to other sites.
PAGE = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        *_NOTHING_ELSE,
    ]
)
# For data and files, which must load nothing even if a browser shows them.
DATA = "; ".join(["default-src 'none'", "form-action 'none'", *_NOTHING_ELSE])


class ContentSecurityPolicyMiddleware:
    """Middleware around all others, so that errors have a policy too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        response.headers.setdefault(HEADER, PAGE if is_page else DATA)
        return response
