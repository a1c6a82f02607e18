"""Rules for second factors: users who need one, and users who have one."""

from allauth.mfa.models import Authenticator
from django.conf import settings

from shortlinks.domain.auth import security_events
from shortlinks.models import SecurityEventKind, User

FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def is_required(user: User) -> bool:
    """Return whether the user may change what others rely on."""
    return settings.REQUIRE_SECOND_FACTOR and (user.is_admin or user.is_superuser)


def is_missing(user: User) -> bool:
    return is_required(user) and not has(user)


def has(user: User) -> bool:
    factors = Authenticator.objects.filter(user=user.pk, type__in=FACTORS)
    return bool(factors.exists())


def names(user: User) -> list[str]:
    factors = Authenticator.objects.filter(user=user.pk).order_by("type", "pk")
    return [str(factor) for factor in factors]


def remove_all(user: User) -> bool:
    """Delete the user's second factors and recovery codes, such as of a lost phone.

    Return whether there were any, which is a security event.
    """
    removed, _ = Authenticator.objects.filter(user=user.pk).delete()
    if removed:
        security_events.record(SecurityEventKind.FACTOR_REMOVED, user=user)
    return bool(removed)
