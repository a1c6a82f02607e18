"""Repair of the link cache: changes made while Redis was unavailable."""

from datetime import datetime, timedelta

import redis
from django.db.models import Q
from django.utils import timezone

from shortlinks.domain.links import redis_cache
from shortlinks.models import Account, ShortLink

# A transaction may commit some time after the time that it stored.
OVERLAP = timedelta(minutes=2)
BATCH_SIZE = 1000
MAX_BATCHES = 100


def sync_changes() -> int:
    """Write the changes since the last sync to Redis; return the number of links.

    At most 100,000 links are written, and the next call continues there. Raises
    redis.RedisError if Redis is unavailable; then the next call repeats this one.
    """
    now = timezone.now()
    until = redis_cache.last_synced_at()
    since = (until or now - timedelta(seconds=redis_cache.TTL_SECONDS)) - OVERLAP
    for account in Account.objects.filter(updated_at__gte=since):
        _require(written=redis_cache.refresh_account(account))
    count, last = _sync_links(since)
    redis_cache.set_last_synced_at(last or now)
    return count


def _sync_links(since: datetime) -> tuple[int, datetime | None]:
    """Return the number of links, and the time of the last if more may follow."""
    count = 0
    last: datetime | None = None
    after = Q(changed_at__gte=since)
    for _ in range(MAX_BATCHES):
        changed = (
            ShortLink.objects.filter(after)
            .select_related("contact")
            .order_by("changed_at", "id")
        )
        batch = list(changed[:BATCH_SIZE])
        if not batch:
            return count, None
        _require(written=redis_cache.refresh(batch))
        count += len(batch)
        last = batch[-1].changed_at
        after = Q(changed_at__gt=last) | Q(changed_at=last, id__gt=batch[-1].id)
    return count, last


def _require(*, written: bool) -> None:
    if not written:
        raise redis.ConnectionError("the link cache is unavailable")
