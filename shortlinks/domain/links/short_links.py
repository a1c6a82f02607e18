"""Changes of short links: disable, enable, expire."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from shortlinks.domain.links import redis_cache
from shortlinks.models import ShortLink


class ActiveLinkExists(Exception):
    """The contact has another active link for this URL; nothing was changed."""


def disable(link: ShortLink) -> None:
    """Disable the link. Visitors then get the response for an unknown link."""
    link.disabled_at = link.changed_at = timezone.now()
    link.save(update_fields=["disabled_at", "changed_at"])
    transaction.on_commit(lambda: _refresh_cache(link.pk))


def enable(link: ShortLink) -> None:
    """Enable the link again, or raise ActiveLinkExists."""
    link.disabled_at, link.changed_at = None, timezone.now()
    same = ShortLink.objects.filter(
        contact=link.contact_id, url_sha256=link.url_sha256, disabled_at=None
    )
    if same.exclude(pk=link.pk).exists():
        raise ActiveLinkExists
    try:
        with transaction.atomic():
            link.save(update_fields=["disabled_at", "changed_at"])
    except IntegrityError:  # another request was faster
        raise ActiveLinkExists from None
    transaction.on_commit(lambda: _refresh_cache(link.pk))


def set_expiry(link: ShortLink, expires_at: datetime | None) -> None:
    """Let the link expire at this time, or never."""
    link.expires_at = expires_at
    link.changed_at = timezone.now()
    link.save(update_fields=["expires_at", "changed_at"])
    transaction.on_commit(lambda: _refresh_cache(link.pk))


def _refresh_cache(link_id: int) -> None:
    """Cache the row as it is now: it may have been disabled meanwhile."""
    redis_cache.refresh([ShortLink.objects.select_related("contact").get(pk=link_id)])
