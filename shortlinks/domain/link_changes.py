"""Makes up for what Redis missed: changes of links and accounts while it was away."""

from datetime import timedelta

import redis
from django.utils import timezone

from shortlinks.domain import cached_links
from shortlinks.models import Account, ShortLink

# A transaction may commit a while after it has noted the time of its change.
OVERLAP = timedelta(minutes=2)
AT_ONCE = 1000
MOST_ROUNDS = 100


def publish() -> int:
    """Tell Redis all changes since it last heard of one; how many links there were.

    Raises redis.RedisError while it is away: the next call begins where this one did.
    """
    now = timezone.now()
    until = cached_links.changes_published_until()
    since = (until or now - timedelta(seconds=cached_links.SECONDS)) - OVERLAP
    for account in Account.objects.filter(updated_at__gte=since):
        _insist(heard=cached_links.publish_account(account))
    count = _publish_links(since)
    cached_links.remember_changes_published(now)
    return count


def _publish_links(since: object) -> int:
    changed = ShortLink.objects.filter(changed_at__gte=since).order_by(
        "changed_at", "id"
    )
    count = 0
    for start in range(0, MOST_ROUNDS * AT_ONCE, AT_ONCE):
        part = list(changed[start : start + AT_ONCE])
        if not part:
            break
        _insist(heard=cached_links.publish_changed(part))
        count += len(part)
    return count


def _insist(*, heard: bool) -> None:
    if not heard:
        raise redis.ConnectionError("the link cache is away")
