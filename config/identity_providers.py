"""Read the providers of OpenID Connect from a setting."""

from typing import Any
from urllib.parse import urlsplit

import msgspec
from django.core.exceptions import ImproperlyConfigured

from config import production_checks
from shortlinks.domain.auth.identity_providers import Provider


def parse(name: str, text: str) -> dict[str, Provider]:
    """Return the providers by id; errors name the setting and the place in it."""
    try:
        listed = msgspec.json.decode(text or "[]", type=list[Provider])
        _check_ids(listed)
        for provider in listed:
            _check_address(provider)
    except ValueError as error:  # msgspec's errors contain no secrets
        raise ImproperlyConfigured(f"{name}: {error}") from None
    return {provider.id: provider for provider in listed}


def apps(providers: dict[str, Provider]) -> list[dict[str, Any]]:
    """Return the providers in the format of allauth's setting."""
    return [
        {
            "provider_id": provider.id,
            "name": provider.name,
            "client_id": provider.client_id,
            "secret": provider.client_secret,
            "settings": {
                "server_url": provider.server_url,
                "oauth_pkce_enabled": True,
            },
        }
        for provider in providers.values()
    ]


def _check_ids(listed: list[Provider]) -> None:
    ids = [provider.id for provider in listed]
    if len(set(ids)) < len(ids):
        raise ValueError("two providers have the same id")


def _check_address(provider: Provider) -> None:
    parts = urlsplit(provider.server_url)
    if parts.scheme == "http" and production_checks.is_local(provider.server_url):
        return
    is_complete = parts.scheme == "https" and parts.hostname and parts.port != 0
    if not is_complete or parts.query or parts.fragment:
        raise ValueError(
            f"server_url of {provider.id} must be like https://login.example.com"
        )
