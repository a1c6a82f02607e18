"""Content security policy of the admin: only our own files may load."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from shortlinks.admin import browser_middleware

# Alpine.js, on which unfold is built, evaluates expressions and sets styles.
# No `form-action`: a sign-in redirects to the account's short hosts, which set the
# staff cookie and are not known beforehand.
POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "object-src 'none'",
    ]
)


class ContentSecurityPolicyMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        if browser_middleware.is_admin_path(request):
            response.headers.setdefault("Content-Security-Policy", POLICY)
        return response
