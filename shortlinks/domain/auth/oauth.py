"""OAuth 2 for integrations: registration, codes, tokens and their revocation."""

import secrets
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from shortlinks.domain.auth import (
    client_secrets,
    oauth_families,
    security_events,
    tokens,
)
from shortlinks.domain.auth.oauth_families import TokenPair
from shortlinks.models import (
    Account,
    ApiToken,
    GrantKind,
    Integration,
    OAuthGrant,
    SecurityEventKind,
    User,
)
from shortlinks.models.tokens import default_scopes

CODE_TTL = timedelta(minutes=20)


@dataclass(frozen=True, slots=True)
class RegisteredIntegration:
    """A new integration. Its `secret` is shown once."""

    integration: Integration
    secret: str


class UnknownClient(Exception):
    """The client id, secret or redirect URI does not match."""

    def __init__(self, integration: Integration | None = None) -> None:
        super().__init__()
        self.integration = integration


class GrantRejected(Exception):
    """The code or refresh token is unknown, used, expired or another client's."""


@transaction.atomic
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
    integration = Integration.objects.create(
        account=user.account,
        name=name,
        redirect_uri=redirect_uri,
        scopes=default_scopes() if scopes is None else list(scopes),
    )
    return RegisteredIntegration(integration, client_secrets.create(integration))


def authorize(integration: Integration, user: User) -> str:
    """Return a code, valid for 20 minutes, to act for the user."""
    code = secrets.token_urlsafe(64)
    OAuthGrant.objects.create(
        integration=integration,
        user=user,
        kind=GrantKind.CODE,
        sha256=client_secrets.sha256(code),
        expires_at=timezone.now() + CODE_TTL,
    )
    return code


def authenticate(
    *, client_id: str, secret: str, redirect_uri: str | None
) -> Integration:
    """Return the integration, or raise. Without a redirect URI, any is accepted."""
    try:
        integration = Integration.objects.get(client_id=uuid.UUID(client_id))
    except (Integration.DoesNotExist, ValueError):
        raise UnknownClient from None
    is_its_uri = redirect_uri in (None, integration.redirect_uri)
    if not client_secrets.matches(integration, secret) or not is_its_uri:
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


def redeem(integration: Integration, *, kind: GrantKind, secret: str) -> TokenPair:
    """Return the tokens for a code or refresh token, or raise.

    A refresh token that was just replaced gets the same pair again. An older one, or a
    used code, ends its family.
    """
    with transaction.atomic():
        pair = oauth_families.redeem(integration, kind, secret)
    if pair is None:  # after the commit, because a family may have ended
        raise GrantRejected
    return pair


@transaction.atomic
def revoke(integration: Integration, token: str) -> None:
    """Revoke an access token, or a refresh token with its family.

    An unknown token, or another client's, changes nothing.
    """
    grants = OAuthGrant.objects.filter(
        integration=integration,
        kind=GrantKind.REFRESH,
        sha256=client_secrets.sha256(token),
    )
    oauth_families.revoke(grants)
    access = tokens.find(token)
    if access is not None and access.integration_id == integration.pk:
        tokens.revoke([access])


@transaction.atomic
def revoke_tokens(rows: Iterable[ApiToken]) -> None:
    """Revoke tokens, and the families of those that integrations fetched."""
    revoked = list(rows)
    oauth_families.revoke(OAuthGrant.objects.filter(access_token__in=revoked))
    tokens.revoke(revoked)


def account_of(refresh_token: str) -> Account | None:
    """Return the account of an unused refresh token, which stays unused."""
    grants = OAuthGrant.objects.filter(
        kind=GrantKind.REFRESH,
        sha256=client_secrets.sha256(refresh_token),
        used_at=None,
        expires_at__gt=timezone.now(),
        family__ended_at=None,
        user__is_active=True,
        user__account__is_active=True,
    )
    grant = grants.select_related("user__account").first()
    return None if grant is None else grant.user.account


def purge() -> None:
    """Delete expired codes, tokens, families and secrets, at most a batch of each."""
    oauth_families.purge()
    client_secrets.purge()
