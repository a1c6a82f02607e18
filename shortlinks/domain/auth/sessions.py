"""Deletion of expired sessions of the admin, which Django leaves to a command."""

from django.contrib.sessions.models import Session
from django.utils import timezone

BATCH_SIZE = 10_000


def purge() -> int:
    """Delete expired sessions, at most a batch."""
    expired = Session.objects.filter(expire_date__lt=timezone.now())
    deleted, _ = Session.objects.filter(
        pk__in=expired.order_by("expire_date").values("pk")[:BATCH_SIZE]
    ).delete()
    return deleted
