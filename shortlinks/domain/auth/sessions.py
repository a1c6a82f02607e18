"""Deletion of expired sessions of the admin, which Django leaves to a command."""

from django.contrib.sessions.models import Session
from django.utils import timezone

from shortlinks.domain.postgres import queries

BATCH_SIZE = 10_000


def purge() -> int:
    """Delete expired sessions, at most a batch."""
    expired = Session.objects.filter(expire_date__lt=timezone.now())
    return queries.delete_batch(expired.order_by("expire_date"), BATCH_SIZE)
