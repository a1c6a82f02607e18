"""Makes up for what Redis missed: changes of links and accounts while it was away."""

from datetime import datetime, timedelta

import redis
from django.db.models import Q
from django.utils import timezone

from shortlinks.domain.links import redis_cache
from shortlinks.models import Account, ShortLink

# A transaction may commit a while after it has noted the time of its change.
OVERLAP = timedelta(minutes=2)
BATCH_SIZE = 1000
MAX_BATCHES = 100


def sync_changes() -> int:
    """Tell Redis the changes since it last heard of one; how many links there were.

    At most 100,000 at a time: the next call begins where this one ended. Raises
    redis.RedisError while Redis is away, and the next call begins where this one did.
    """
    now = timezone.now()
    until = redis_cache.last_synced_at()
    since = (until or now - timedelta(seconds=redis_cache.TTL_SECONDS)) - OVERLAP
    for account in Account.objects.filter(updated_at__gte=since):
        _require(heard=redis_cache.refresh_account(account))
    count, reached = _sync_links(since)
    redis_cache.set_last_synced_at(reached or now)
    return count


def _sync_links(since: datetime) -> tuple[int, datetime | None]:
    """How many were told, and the time of the last if there may be more."""
    count = 0
    reached: datetime | None = None
    after = Q(changed_at__gte=since)
    for _ in range(MAX_BATCHES):
        changed = (
            ShortLink.objects.filter(after)
            .select_related("contact")
            .order_by("changed_at", "id")
        )
        part = list(changed[:BATCH_SIZE])
        if not part:
            return count, None
        _require(heard=redis_cache.refresh(part))
        count += len(part)
        reached = part[-1].changed_at
        after = Q(changed_at__gt=reached) | Q(changed_at=reached, id__gt=part[-1].id)
    return count, reached


def _require(*, heard: bool) -> None:
    if not heard:
        raise redis.ConnectionError("the link cache is away")
