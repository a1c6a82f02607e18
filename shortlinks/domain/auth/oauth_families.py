"""Families of OAuth tokens: rotation, repeated answers, and replays (docs/adr/0053)."""

import base64
import hmac
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from shortlinks.domain.auth import security_events, tokens
from shortlinks.domain.auth.client_secrets import sha256
from shortlinks.domain.postgres import queries
from shortlinks.models import (
    ApiToken,
    GrantKind,
    Integration,
    OAuthFamily,
    OAuthGrant,
    SecurityEventKind,
    User,
)

ACCESS_TOKEN_TTL = timedelta(days=1)
REFRESH_TOKEN_TTL = timedelta(days=90)
# After its first use, a replaced refresh token gets the same answer for this long.
GRACE_PERIOD = timedelta(seconds=60)
BATCH_SIZE = 10_000


@dataclass(frozen=True, slots=True)
class TokenPair:
    """An access token, which is valid for `expires_in` seconds, and its refresh token.

    Neither is stored.
    """

    access_token: str
    refresh_token: str
    expires_in: int


def redeem(integration: Integration, kind: GrantKind, secret: str) -> TokenPair | None:
    """Return the tokens for a code or refresh token, or None if it is rejected.

    A replay ends the family, but only if the caller's transaction commits. Locks on the
    grant and its family make concurrent requests wait for each other.
    """
    grant = _lock_grant(integration, kind, secret)
    if grant is None or not _is_active(grant.user):
        return None
    is_expired = grant.expires_at <= timezone.now()
    if grant.family_id is None:
        return None if is_expired else _begin(grant, secret)
    family = _locked().get(pk=grant.family_id)
    if family.ended_at is not None:
        return None
    if kind == GrantKind.REFRESH and grant.generation == family.generation:
        return None if is_expired else _rotate(family, grant, secret)
    if _is_repeated(grant, family):
        return _repeat(family, secret)
    end(family, SecurityEventKind.OAUTH_REPLAYED)
    return None


def revoke(grants: "QuerySet[OAuthGrant]") -> None:
    """End the families of refresh tokens, within the caller's transaction."""
    families = _locked().filter(pk__in=grants.values("family"), ended_at=None)
    for family in list(families.order_by("pk")):  # all are locked before any event
        end(family, SecurityEventKind.OAUTH_REVOKED)


def end(family: OAuthFamily, kind: SecurityEventKind) -> None:
    """Revoke all tokens of a locked family, and record the event."""
    now = timezone.now()
    family.ended_at, family.warning_due_at = now, None
    family.save(update_fields=["ended_at", "warning_due_at"])
    valid = ApiToken.objects.filter(revoked_at=None, expires_at__gt=now)
    valid.filter(grant__family=family).update(revoked_at=now)
    integration = family.integration
    security_events.record(
        kind, user=family.user, account=integration.account, detail=integration.name
    )


def purge() -> int:
    """Delete expired codes, refresh tokens with their access tokens, and families.

    At most a batch of each is deleted. A used code stays as long as its family.
    """
    now = timezone.now()
    codes = OAuthGrant.objects.filter(family=None, expires_at__lt=now)
    issued = ApiToken.objects.filter(grant__expires_at__lt=now)
    families = OAuthFamily.objects.filter(expires_at__lt=now)
    empty = families.exclude(grants__kind=GrantKind.REFRESH)
    return sum(
        queries.delete_batch(rows, BATCH_SIZE)
        for rows in (
            codes.order_by("expires_at"),
            issued.order_by("grant__expires_at"),
            empty.order_by("expires_at"),
        )
    )


def _lock_grant(
    integration: Integration, kind: GrantKind, secret: str
) -> OAuthGrant | None:
    grants = OAuthGrant.objects.filter(
        integration=integration, kind=kind, sha256=sha256(secret)
    )
    locked = grants.select_for_update(no_key=True, of=("self",))
    return locked.select_related("integration", "user__account").first()


def _locked() -> "QuerySet[OAuthFamily]":
    locked = OAuthFamily.objects.select_for_update(no_key=True, of=("self",))
    return locked.select_related("integration__account", "user")


def _is_active(user: User) -> bool:
    return user.is_active and user.account is not None and user.account.is_active


def _begin(code: OAuthGrant, secret: str) -> TokenPair:
    family = OAuthFamily.objects.create(
        integration=code.integration, user=code.user, expires_at=code.expires_at
    )
    code.family = family
    code.save(update_fields=["family"])
    return _rotate(family, code, secret)


def _rotate(family: OAuthFamily, grant: OAuthGrant, secret: str) -> TokenPair:
    """Replace the current grant by a new pair."""
    now = timezone.now()
    grant.used_at = now
    grant.save(update_fields=["used_at"])
    issued = tokens.issue(
        grant.user,
        name=grant.integration.name,
        life=ACCESS_TOKEN_TTL,
        scopes=grant.integration.scopes,
        integration=grant.integration,
    )
    refresh_token = next(_derive(issued.row, secret))
    family.generation = grant.generation + 1
    family.refreshed_at, family.expires_at = now, now + REFRESH_TOKEN_TTL
    family.warning_due_at = tokens.warning_due_at(now, family.expires_at)
    family.owner_warned_at = None
    family.save()
    OAuthGrant.objects.create(
        integration=grant.integration,
        user=grant.user,
        kind=GrantKind.REFRESH,
        sha256=sha256(refresh_token),
        family=family,
        generation=family.generation,
        access_token=issued.row,
        expires_at=family.expires_at,
    )
    expires_in = int(ACCESS_TOKEN_TTL.total_seconds())
    return TokenPair(issued.text, refresh_token, expires_in)


def _is_repeated(grant: OAuthGrant, family: OAuthFamily) -> bool:
    """Return whether the client may have lost the answer, or raced with itself."""
    return (
        grant.kind == GrantKind.REFRESH
        and grant.generation == family.generation - 1
        and grant.used_at is not None
        and timezone.now() - grant.used_at <= GRACE_PERIOD
    )


def _repeat(family: OAuthFamily, secret: str) -> TokenPair | None:
    """Return the pair that replaced the token, or None if its key was removed."""
    current = OAuthGrant.objects.select_related("access_token__integration").get(
        family=family, generation=family.generation
    )
    access = current.access_token
    assert access is not None  # noqa: S101  by a check constraint
    for refresh_token in _derive(access, secret):
        if hmac.compare_digest(sha256(refresh_token), bytes(current.sha256)):
            left = access.expires_at - timezone.now()
            seconds = math.ceil(left.total_seconds())
            return TokenPair(tokens.sign(access), refresh_token, seconds)
    return None


def _derive(access: ApiToken, predecessor: str) -> Iterator[str]:
    """Yield the refresh token of an access token for each key, the newest key first.

    To compute it, one needs the previous token, the row of the access token and a key.
    """
    derived_from = access.jti.bytes + predecessor.encode("utf-8", "replace")
    for key in settings.TOKEN_KEYS.values():
        digest = hmac.digest(key, b"refresh token " + derived_from, "sha512")
        yield base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
