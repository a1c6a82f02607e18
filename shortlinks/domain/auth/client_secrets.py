"""Secrets of integrations. After a renewal, old ones keep working for a while."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from shortlinks.domain.auth import security_events
from shortlinks.domain.postgres import queries
from shortlinks.models import (
    Integration,
    IntegrationSecret,
    SecurityEventKind,
    User,
)

OVERLAP = timedelta(days=7)
MAX_SECRETS = 5  # of an integration, at a time
BATCH_SIZE = 10_000


def sha256(secret: str) -> bytes:
    """Hash a random secret. It is too long to guess, so a fast hash is enough."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def create(integration: Integration) -> str:
    """Return a new secret. Only its hash is stored."""
    secret = secrets.token_urlsafe(48)
    IntegrationSecret.objects.create(integration=integration, sha256=sha256(secret))
    return secret


def matches(integration: Integration, secret: str) -> bool:
    """Compare with every valid secret, each in constant time."""
    digest = sha256(secret)
    rows = _valid(integration).order_by("-pk")[:MAX_SECRETS]
    same = [hmac.compare_digest(bytes(row.sha256), digest) for row in rows]
    return any(same)


@transaction.atomic
def renew(integration: Integration, *, by: User, overlap: timedelta = OVERLAP) -> str:
    """Return a new secret. The current one works until the overlap ends.

    Older ones end when they would have. The oldest beyond `MAX_SECRETS` are deleted, so
    that a user who lost the new secret can always renew again.
    """
    _lock(integration)
    newest = _valid(integration).order_by("-pk").values("pk")[: MAX_SECRETS - 1]
    integration.secrets.exclude(pk__in=newest).delete()
    expires_at = timezone.now() + overlap
    integration.secrets.filter(expires_at=None).update(expires_at=expires_at)
    _record(SecurityEventKind.SECRET_RENEWED, integration, by)
    return create(integration)


@transaction.atomic
def end_old(integration: Integration, *, by: User) -> int:
    """End all secrets but the newest at once; return how many ended."""
    _lock(integration)
    old = _valid(integration).exclude(expires_at=None)
    ended, _ = old.delete()
    if ended:
        _record(SecurityEventKind.SECRET_ENDED, integration, by)
    return ended


def old_valid_until(integration: Integration) -> datetime | None:
    """Return when the last old secret ends, or None if only the newest works."""
    found: datetime | None = _valid(integration).aggregate(at=Max("expires_at"))["at"]
    return found


def purge() -> int:
    """Delete ended secrets, at most a batch."""
    ended = IntegrationSecret.objects.filter(expires_at__lt=timezone.now())
    return queries.delete_batch(ended.order_by("pk"), BATCH_SIZE)


def _valid(integration: Integration) -> "QuerySet[IntegrationSecret]":
    is_valid = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    return IntegrationSecret.objects.filter(is_valid, integration=integration)


def _lock(integration: Integration) -> None:
    queries.lock_rows(Integration.objects.filter(pk=integration.pk), no_key=True)


def _record(kind: SecurityEventKind, integration: Integration, by: User) -> None:
    security_events.record(
        kind, user=by, account=integration.account, detail=integration.name
    )
