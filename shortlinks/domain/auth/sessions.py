"""Sessions of the admin: end those of a user or account, and delete expired ones."""

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef
from django.utils import timezone

from shortlinks.domain.auth import security_events
from shortlinks.domain.postgres import queries
from shortlinks.models import Account, SecurityEventKind, User

BATCH_SIZE = 10_000


def end_all(user: User) -> None:
    """End the user's sessions; if there were any, that is a security event."""
    listed = UserSession.objects.filter(user=user.pk)
    keys = list(listed.values_list("session_key", flat=True))
    Session.objects.filter(session_key__in=keys).delete()
    listed.delete()
    if keys:
        security_events.record(SecurityEventKind.SESSION_ENDED, user=user)


def end_all_of_account(account: Account) -> None:
    signed_in = UserSession.objects.values("user")
    for user in User.objects.filter(account=account, pk__in=signed_in).iterator():
        end_all(user)


def purge() -> int:
    """Delete expired sessions, at most a batch."""
    expired = Session.objects.filter(expire_date__lt=timezone.now())
    deleted = queries.delete_batch(expired.order_by("expire_date"), BATCH_SIZE)
    sessions = Session.objects.filter(session_key=OuterRef("session_key"))
    ended = UserSession.objects.exclude(Exists(sessions)).order_by("pk")
    return deleted + queries.delete_batch(ended, BATCH_SIZE)
