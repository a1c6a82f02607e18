"""Webhooks: subscribe, unsubscribe, enable and disable."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from shortlinks.domain import quotas
from shortlinks.domain.quotas import Quota
from shortlinks.domain.webhooks import secret_encryption
from shortlinks.domain.webhooks.retry_policy import RETRY_DELAYS, Outcome
from shortlinks.models import Account, DeliveryState, User, Webhook, WebhookDelivery

logger = logging.getLogger(__name__)

DISABLED_MANUALLY = "Disabled by an administrator."
GONE = "The receiver answered 410 Gone."


@dataclass(frozen=True, slots=True)
class Subscription:
    """A requested webhook, with a `destination` from `destinations.parse`."""

    destination: str
    settings: Sequence[str]
    sort: int | None


@dataclass(frozen=True, slots=True)
class SubscriptionResult:
    """A webhook. Its secret is returned once, when it is created."""

    webhook: Webhook
    secret: str | None


class TooManyWebhooks(Exception):
    """The account has reached its limit of webhooks."""


def subscribe(account: Account, user: User, wanted: Subscription) -> SubscriptionResult:
    """Create the account's webhook for this destination, or change and enable it."""
    _check_limit(account, wanted)
    changed: dict[str, Any] = {
        "settings": list(wanted.settings),
        "updated_at": timezone.now(),
    }
    if wanted.sort is not None:
        changed["sort"] = wanted.sort
    secret = secret_encryption.new()
    with transaction.atomic():
        webhook, is_new = Webhook.objects.update_or_create(
            account=account,
            destination=wanted.destination,
            defaults=changed,
            create_defaults={
                **changed,
                "secret": secret_encryption.encrypt(secret),
                "created_by": user,
            },
        )
        if webhook.disabled_at is not None:
            enable([webhook])
            webhook.refresh_from_db()
    return SubscriptionResult(webhook, secret if is_new else None)


@transaction.atomic
def unsubscribe(account_id: int, destination: str) -> bool:
    """Delete the webhook and its unsent events; return False if there is none."""
    webhook = (
        Webhook.objects.select_for_update()
        .filter(account_id=account_id, destination=destination)
        .first()
    )
    if webhook is None:
        return False
    webhook.delete()
    return True


@transaction.atomic
def enable(chosen: Iterable[Webhook]) -> int:
    """Enable webhooks and send their pending events; return how many were disabled."""
    disabled = _locked(chosen).filter(disabled_at__isnull=False)
    ids = [webhook.pk for webhook in disabled]
    Webhook.objects.filter(pk__in=ids).update(
        disabled_at=None,
        disabled_reason="",
        paused_until=None,
        failures=0,
        updated_at=Now(),
    )
    waiting = WebhookDelivery.objects.filter(state=DeliveryState.PENDING)
    waiting.filter(webhook__in=ids).update(due_at=Now(), attempts=0, claimed_at=None)
    return len(ids)


@transaction.atomic
def disable(chosen: Iterable[Webhook], reason: str = DISABLED_MANUALLY) -> int:
    """Disable webhooks and keep their pending events; return how many were enabled."""
    enabled = _locked(chosen).filter(disabled_at=None)
    ids = [webhook.pk for webhook in enabled]
    now = Now()
    return Webhook.objects.filter(pk__in=ids).update(
        disabled_at=now, disabled_reason=reason, updated_at=now
    )


def disable_failing(webhook: Webhook, outcome: Outcome) -> None:
    """Disable a webhook that is gone or has not answered for days, and log it."""
    attempts = len(RETRY_DELAYS)
    silent = f"No event was accepted in {attempts} attempts. Last: {outcome.error}"
    reason = GONE if outcome.is_gone else silent
    if disable([webhook], reason):
        host = urlsplit(webhook.destination).hostname  # the rest may hold a secret
        logger.warning("webhook %d to %s disabled: %s", webhook.pk, host, reason)


def reencrypt_secrets() -> int:
    """Encrypt with the newest key what older keys encrypted; return the count."""
    count = 0
    for webhook in Webhook.objects.all():
        if encrypted := secret_encryption.reencrypt(webhook.secret):
            same = Webhook.objects.filter(pk=webhook.pk, secret=webhook.secret)
            count += same.update(secret=encrypted)
    return count


def _locked(chosen: Iterable[Webhook]) -> "QuerySet[Webhook]":
    ids = [webhook.pk for webhook in chosen]
    rows = Webhook.objects.filter(pk__in=ids).order_by("pk")
    return rows.select_for_update(no_key=True)


def _check_limit(account: Account, wanted: Subscription) -> None:
    others = Webhook.objects.filter(account=account)
    count = others.exclude(destination=wanted.destination).count()
    if quotas.is_reached(Quota.WEBHOOKS, count):
        raise TooManyWebhooks
