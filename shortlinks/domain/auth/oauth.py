"""OAuth 2 for integrations. Codes and refresh tokens work once (docs/contract.md)."""

import hashlib
import hmac
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from shortlinks.domain.auth import security_events, tokens
from shortlinks.models import (
    Account,
    GrantKind,
    Integration,
    OAuthGrant,
    SecurityEventKind,
    User,
)
from shortlinks.models.tokens import default_scopes

CODE_TTL = timedelta(minutes=20)
ACCESS_TOKEN_TTL = timedelta(days=1)
REFRESH_TOKEN_TTL = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class RegisteredIntegration:
    """A new integration. Its `secret` is shown once."""

    integration: Integration
    secret: str


@dataclass(frozen=True, slots=True)
class TokenPair:
    access_token: str
    refresh_token: str


class UnknownClient(Exception):
    """The client id, secret or redirect URI does not match."""

    def __init__(self, integration: Integration | None = None) -> None:
        super().__init__()
        self.integration = integration


class GrantRejected(Exception):
    """The code or refresh token is unknown, used, expired or another client's."""


def register(
    *,
    user: User,
    name: str,
    redirect_uri: str,
    scopes: Sequence[str] | None = None,
) -> RegisteredIntegration:
    """Create an integration in the user's account, by default with default scopes."""
    if user.account is None:
        raise ValueError("operators have no account and no integrations")
    secret = secrets.token_urlsafe(48)
    integration = Integration.objects.create(
        account=user.account,
        name=name,
        redirect_uri=redirect_uri,
        secret_sha256=_sha256(secret),
        scopes=default_scopes() if scopes is None else list(scopes),
    )
    return RegisteredIntegration(integration, secret)


def authorize(integration: Integration, user: User) -> str:
    """Return a code, valid for 20 minutes, to act for the user."""
    return _grant(integration, user, GrantKind.CODE, CODE_TTL)


def authenticate(*, client_id: str, secret: str, redirect_uri: str) -> Integration:
    try:
        integration = Integration.objects.get(client_id=uuid.UUID(client_id))
    except (Integration.DoesNotExist, ValueError):
        raise UnknownClient from None
    is_secret = hmac.compare_digest(bytes(integration.secret_sha256), _sha256(secret))
    if not is_secret or integration.redirect_uri != redirect_uri:
        raise UnknownClient(integration)
    return integration


def record_failure(integration: Integration | None) -> None:
    """Count a refused request for tokens, of a known client or an unknown one."""
    kind = SecurityEventKind.OAUTH_FAILED
    if integration is None:
        security_events.record_frequent(kind, user=None)
        return
    security_events.record_frequent(
        kind, user=None, account=integration.account, detail=integration.name
    )


@transaction.atomic
def redeem(integration: Integration, *, kind: GrantKind, secret: str) -> TokenPair:
    """Return new tokens for a code or refresh token, which works only once."""
    grants = _usable(kind, secret).filter(integration=integration)
    grant = grants.select_for_update(of=("self",)).select_related("user").first()
    if grant is None:
        raise GrantRejected
    grant.used_at = timezone.now()
    grant.save(update_fields=["used_at"])
    access = tokens.issue(
        grant.user,
        name=integration.name,
        life=ACCESS_TOKEN_TTL,
        scopes=integration.scopes,
        integration=integration,
    )
    refresh = _grant(integration, grant.user, GrantKind.REFRESH, REFRESH_TOKEN_TTL)
    return TokenPair(access.text, refresh)


def account_of(refresh_token: str) -> Account | None:
    """Return the account of an unused refresh token, which stays unused."""
    grants = _usable(GrantKind.REFRESH, refresh_token)
    grant = grants.select_related("user__account").first()
    return None if grant is None else grant.user.account


def _usable(kind: GrantKind, secret: str) -> "QuerySet[OAuthGrant]":
    return OAuthGrant.objects.filter(
        kind=kind,
        sha256=_sha256(secret),
        used_at=None,
        expires_at__gt=timezone.now(),
        user__is_active=True,
        user__account__is_active=True,
    )


def _grant(
    integration: Integration, user: User, kind: GrantKind, life: timedelta
) -> str:
    secret = secrets.token_urlsafe(64)
    OAuthGrant.objects.create(
        integration=integration,
        user=user,
        kind=kind,
        sha256=_sha256(secret),
        expires_at=timezone.now() + life,
    )
    return secret


def _sha256(secret: str) -> bytes:
    """Hash a random secret. It is too long to guess, so a fast hash is enough."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
