"""Views that lead to a provider of OpenID Connect, and back."""

import jwt
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import (
    OAuth2CallbackView,
    OAuth2LoginView,
)
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from requests import RequestException

from shortlinks.admin import other_sites
from shortlinks.admin.sign_in import kept_entries, openid_connect
from shortlinks.admin.sign_in.checked_provider import CheckedAdapter
from shortlinks.domain.auth import guess_limits
from shortlinks.domain.auth.guess_limits import Secret
from shortlinks.domain.auth.identity_providers import Provider

# Raised by allauth if the provider is unavailable or its response has an unexpected
# form. Allauth itself handles them in some places only.
FAILURES = (
    RequestException,
    OAuth2Error,
    jwt.PyJWTError,
    ImproperlyConfigured,  # a subject that is too long
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)


@never_cache
def login(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Show a page that asks for a confirmation; a POST leads to the provider."""
    if request.method != "POST":
        return _call(OAuth2LoginView, request, provider_id)
    kept_entries.keep_until_signed_in(request)
    if not guess_limits.begin(Secret.PROVIDER).is_allowed:
        provider = _find(provider_id)
        text = _("Too many attempts. Try again in ten minutes.")
        return openid_connect.error_page(request, provider, text, status=429)
    response = _call(OAuth2LoginView, request, provider_id)
    if isinstance(response, HttpResponseRedirect):
        return other_sites.leave(request, response.url)
    return response


@never_cache
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Sign in the person whom the provider names."""
    return _call(OAuth2CallbackView, request, provider_id)


def _find(provider_id: str) -> Provider:
    """Find a provider by its id; allauth would also accept a name that all share."""
    if provider_id not in settings.OIDC_PROVIDERS:
        raise Http404
    return settings.OIDC_PROVIDERS[provider_id]


def _call(
    view: type[OAuth2LoginView] | type[OAuth2CallbackView],
    request: HttpRequest,
    provider_id: str,
) -> HttpResponse:
    provider = _find(provider_id)
    try:
        adapter = CheckedAdapter(request, provider_id)
        response: HttpResponse = view.adapter_view(adapter)(request)
    except FAILURES as error:
        return openid_connect.failure_page(request, provider, error)
    return response
