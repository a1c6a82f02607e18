"""Allauth's OpenID Connect, with checks of signature, nonce and sign-in time."""

import secrets
import time
from collections.abc import Mapping
from typing import Any

import jwt
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.openid_connect.provider import (
    OpenIDConnectProvider,
)
from allauth.socialaccount.providers.openid_connect.views import (
    OpenIDConnectOAuth2Adapter,
)
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare

CONFIGURATION_TTL = 600  # seconds
REQUIRED = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
MAX_CLOCK_SKEW = 60  # seconds
# Asymmetric algorithms: a key that checks signatures cannot make them.
SIGNATURES = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384")
NONCE = "nonce"
WELL_KNOWN = "/.well-known/openid-configuration"
ASKED_AT = "asked_to_sign_in_again_at"

# Discovery documents by URL, each with the time of its request.
_configurations: dict[str, tuple[float, dict[str, Any]]] = {}


class CheckedAdapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    @property
    def openid_config(self) -> dict[str, Any]:
        """Return the discovery document, which each process reads every 10 minutes."""
        url = self.get_provider().server_url
        read_at, configuration = _configurations.get(url, (-CONFIGURATION_TTL, {}))
        if time.monotonic() - read_at >= CONFIGURATION_TTL:
            configuration = super().openid_config
            if missing := [name for name in REQUIRED if name not in configuration]:
                raise LookupError(f"the discovery document lacks {missing}")
            _check_issuer(configuration["issuer"], url)
            _configurations[url] = time.monotonic(), configuration
        return configuration

    def _decode_id_token(self, app: SocialApp, id_token: str) -> dict[str, Any]:
        """Check the signature, which allauth does not, and return the claims.

        Raise jwt.PyJWTError if the token has expired, or if this provider did not issue
        it to this client.
        """
        with get_adapter().get_requests_session() as session:
            response = session.get(self.openid_config["jwks_uri"])
        response.raise_for_status()
        claims: dict[str, Any] = jwt.decode(
            id_token,
            _signing_key(jwt.PyJWKSet.from_dict(response.json()), id_token),
            algorithms=SIGNATURES,
            audience=app.client_id,
            issuer=self.openid_config["issuer"],
            leeway=MAX_CLOCK_SKEW,
            options={"require": ["exp", "iat"]},
        )
        return claims


def _signing_key(published: jwt.PyJWKSet, id_token: str) -> jwt.PyJWK:
    """Return the key that the token names, or the only key if it names none.

    Raise LookupError if no key matches, or several.
    """
    id_ = jwt.get_unverified_header(id_token).get("kid")
    keys = [key for key in published.keys if id_ in {None, key.key_id}]
    if len(keys) != 1:
        raise LookupError(f"{len(keys)} keys of the provider have the id of the token")
    return keys[0]


def _check_issuer(issuer: str, url: str) -> None:
    """Raise LookupError if the document at this URL names another issuer."""
    if issuer.rstrip("/") != url.removesuffix(WELL_KNOWN).rstrip("/"):
        raise LookupError(f"the discovery document of {url} is that of {issuer}")


class CheckedProvider(OpenIDConnectProvider):  # type: ignore[misc]
    oauth2_adapter_class = CheckedAdapter

    def redirect(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Send a nonce, and require users who are signed in to sign in again.

        Parameters from the query are ignored.
        """
        nonce = secrets.token_urlsafe(32)
        parameters = {**self.get_auth_params(), "nonce": nonce}
        expected: dict[str, Any] = {NONCE: nonce}
        if request.user.is_authenticated:
            parameters["max_age"] = "0"
            expected[ASKED_AT] = time.time()
        kwargs["auth_params"] = parameters
        response: HttpResponse = super().redirect(request, *args, **kwargs, **expected)
        return response


def check(id_token: Mapping[str, Any] | None, state: Mapping[str, Any]) -> None:
    """Raise ValueError unless the ID token answers this request.

    Providers that ignore `max_age` send no `auth_time`; they are trusted.
    """
    if not id_token:
        raise ValueError("the provider sent no ID token")
    if not constant_time_compare(str(id_token.get("nonce")), state[NONCE]):
        raise ValueError("the ID token has another nonce")
    authenticated_at = id_token.get("auth_time")
    asked_at = state.get(ASKED_AT)
    if asked_at is None or authenticated_at is None:
        return
    if float(authenticated_at) < asked_at - MAX_CLOCK_SKEW:
        raise ValueError("the provider has not asked for another sign-in")
