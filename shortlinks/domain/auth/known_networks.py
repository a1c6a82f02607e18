"""Networks from which a user has signed in lately, by the security events."""

from datetime import timedelta

from django.utils import timezone

from shortlinks.domain.auth import security_events
from shortlinks.models import AddressMask, SecurityEvent, SecurityEventKind, User

PERIOD = timedelta(days=90)


def current(user: User) -> str:
    """Return the client's network if the user has signed in from it, or ""."""
    mask = user.account.address_mask if user.account else AddressMask.TRUNCATED
    network = security_events.client_network(mask)
    if not network:
        return ""
    seen = SecurityEvent.objects.filter(
        account=user.account_id,
        user=user.pk,
        kind=SecurityEventKind.SIGN_IN,
        network=network,
        hour__gte=timezone.now() - PERIOD,
    )
    return network if seen.exists() else ""
