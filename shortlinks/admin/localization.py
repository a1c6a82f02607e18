"""Language of the user and time zone of the account, for pages of the admin."""

from collections.abc import Callable
from datetime import tzinfo

from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers

from shortlinks.admin import browser_middleware
from shortlinks.domain import languages, time_zones
from shortlinks.models import User


class LocalizationMiddleware:
    """Middleware for the admin only: the API stays in English."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not browser_middleware.is_admin_path(request):
            return self._get_response(request)
        language = _language(request)
        with translation.override(language), timezone.override(_time_zone(request)):
            response = self._get_response(request)
        response.headers.setdefault("Content-Language", language)
        patch_vary_headers(response, ["Accept-Language"])
        return response


def _language(request: HttpRequest) -> str:
    """Return the user's language, or the browser's before sign-in."""
    if not isinstance(request.user, User):
        return translation.get_language_from_request(request)
    return languages.offered(request.user.language)


def _time_zone(request: HttpRequest) -> tzinfo | None:
    user = request.user
    if not isinstance(user, User) or user.account is None:
        return None
    return time_zones.get(user.account.time_zone)
