"""Rules for second factors: users who need one, and users who have one."""

from allauth.mfa.models import Authenticator
from django.conf import settings

from shortlinks.models import User

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


def remove_all(user: User) -> int:
    """Delete the user's second factors and recovery codes, such as of a lost phone."""
    return int(Authenticator.objects.filter(user=user.pk).delete()[0])
