"""Webhooks: subscribe, unsubscribe, pause, resume and disable."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from shortlinks.domain import quotas
from shortlinks.domain.quotas import Quota
from shortlinks.domain.webhooks import secret_encryption, waiting
from shortlinks.models import Account, User, Webhook

logger = logging.getLogger(__name__)


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


@dataclass(frozen=True, slots=True)
class Resumption:
    """The number of resumed webhooks, and that of their events that are due.

    `events` is at most `waiting.MAX_COUNTED + 1`.
    """

    webhooks: int
    events: int


class TooManyWebhooks(Exception):
    """The account has reached its limit of webhooks."""


@transaction.atomic
def subscribe(account: Account, user: User, wanted: Subscription) -> SubscriptionResult:
    """Create the account's webhook for this destination, or change and enable it.

    A paused one stays paused, because programs subscribe again at each start.
    """
    check_quota(account, wanted.destination)
    changed: dict[str, Any] = {
        "settings": list(wanted.settings),
        "updated_at": timezone.now(),
    }
    if wanted.sort is not None:
        changed["sort"] = wanted.sort
    secret = secret_encryption.new()
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


def check_quota(account: Account, destination: str) -> None:
    """Raise TooManyWebhooks if the account may have no more.

    The account stays locked until the commit, so that two requests do not count the
    same webhooks.
    """
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    others = Webhook.objects.filter(account=account)
    count = others.exclude(destination=destination).count()
    if quotas.is_reached(Quota.WEBHOOKS, count):
        raise TooManyWebhooks


@transaction.atomic
def change(webhook: Webhook) -> None:
    """Store the changed fields. A new destination starts without failures."""
    stored = _locked([webhook]).get()
    webhook.updated_at = timezone.now()
    webhook.save(update_fields=["destination", "settings", "sort", "updated_at"])
    if stored.destination != webhook.destination:
        enable([webhook])


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


def enable(chosen: Iterable[Webhook]) -> int:
    """Forget failures of webhooks, and make their waiting events due now.

    Returns how many events are due, as `waiting.release` does.
    """
    webhooks = list(chosen)
    _forget_failures(webhooks)
    return waiting.release([webhook.pk for webhook in webhooks])


@transaction.atomic
def pause(chosen: Iterable[Webhook]) -> int:
    """Let the events of webhooks wait; return how many were running before."""
    running = _locked(chosen).filter(paused_at=None, disabled_at=None)
    ids = [webhook.pk for webhook in running]
    return Webhook.objects.filter(pk__in=ids).update(paused_at=Now(), updated_at=Now())


def resume(chosen: Iterable[Webhook]) -> Resumption:
    """End pauses and failures of webhooks, and make their waiting events due now."""
    webhooks = list(chosen)
    count = _end_pauses(webhooks)
    return Resumption(count, enable(webhooks))


@transaction.atomic
def _end_pauses(chosen: Iterable[Webhook]) -> int:
    """End the pauses; return how many webhooks were paused, failing or disabled."""
    stopped = Q(paused_at__isnull=False) | Q(failing_since__isnull=False)
    found = list(_locked(chosen).filter(stopped))
    ids = [webhook.pk for webhook in found if webhook.paused_at is not None]
    Webhook.objects.filter(pk__in=ids).update(paused_at=None, updated_at=Now())
    return len(found)


@transaction.atomic
def _forget_failures(chosen: Iterable[Webhook]) -> None:
    """Forget failures, and end the pauses that receivers requested."""
    stopped = Q(failing_since__isnull=False) | Q(paused_until__isnull=False)
    ids = [webhook.pk for webhook in _locked(chosen).filter(stopped)]
    Webhook.objects.filter(pk__in=ids).update(
        disabled_at=None,
        mail_due_at=None,
        paused_until=None,
        failing_since=None,
        failures=0,
        last_error="",
        updated_at=Now(),
    )


@transaction.atomic
def disable_failing(webhook: Webhook) -> None:
    """Disable a webhook, keep its pending events, log it, and plan an e-mail."""
    enabled = _locked([webhook]).filter(disabled_at=None)
    if enabled.update(disabled_at=Now(), mail_due_at=Now(), updated_at=Now()):
        host = urlsplit(webhook.destination).hostname  # the rest may hold a secret
        reason = webhook.last_error
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
