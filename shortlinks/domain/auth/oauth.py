"""OAuth 2 for integrations: codes and refresh tokens, each good once (contract §3)."""

import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from shortlinks.domain.auth import tokens
from shortlinks.models import GrantKind, Integration, OAuthGrant, User

CODE_TTL = timedelta(minutes=20)
ACCESS_TOKEN_TTL = timedelta(days=1)
REFRESH_TOKEN_TTL = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class RegisteredIntegration:
    """The only sight of an integration's secret."""

    integration: Integration
    secret: str


@dataclass(frozen=True, slots=True)
class TokenPair:
    access_token: str
    refresh_token: str


class UnknownClient(Exception):
    """No such integration, or not its secret or address."""


class GrantRejected(Exception):
    """The code or refresh token is unknown, used, expired or another's."""


def register(*, user: User, name: str, redirect_uri: str) -> RegisteredIntegration:
    """Make an integration of the user's account."""
    if user.account is None:
        raise ValueError("an operator has no account, and so no integrations")
    secret = secrets.token_urlsafe(48)
    integration = Integration.objects.create(
        account=user.account,
        name=name,
        redirect_uri=redirect_uri,
        secret_sha256=_sha256(secret),
    )
    return RegisteredIntegration(integration, secret)


def authorize(integration: Integration, user: User) -> str:
    """A code with which the integration may act for the user; lives 20 minutes."""
    return _grant(integration, user, GrantKind.CODE, CODE_TTL)


def authenticate(*, client_id: str, secret: str, redirect_uri: str) -> Integration:
    try:
        integration = Integration.objects.get(client_id=uuid.UUID(client_id))
    except (Integration.DoesNotExist, ValueError):
        raise UnknownClient from None
    known = hmac.compare_digest(bytes(integration.secret_sha256), _sha256(secret))
    if not known or integration.redirect_uri != redirect_uri:
        raise UnknownClient
    return integration


@transaction.atomic
def redeem(integration: Integration, *, kind: GrantKind, secret: str) -> TokenPair:
    """A new pair of tokens for a code or refresh token, which is used up by it."""
    now = timezone.now()
    grants = OAuthGrant.objects.filter(
        integration=integration,
        kind=kind,
        sha256=_sha256(secret),
        used_at=None,
        expires_at__gt=now,
        user__is_active=True,
        user__account__is_active=True,
    )
    grant = grants.select_for_update(of=("self",)).select_related("user").first()
    if grant is None:
        raise GrantRejected
    grant.used_at = now
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
    """Enough for 384 random bits: nothing to guess, so nothing to slow down."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
