"""Rules for second factors: users who need one, and users who have one."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings

from shortlinks.domain.auth import field_encryption, security_events
from shortlinks.models import SecurityEventKind, User

ENCRYPTED = ("secret", "seed")  # keys in the data of apps and recovery codes
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def is_required(user: User) -> bool:
    """Return whether the user needs one, by the setting REQUIRE_SECOND_FACTOR."""
    if settings.REQUIRE_SECOND_FACTOR == "administrators":
        return user.is_admin or user.is_superuser
    return bool(settings.REQUIRE_SECOND_FACTOR == "everyone")


def is_missing(user: User) -> bool:
    return is_required(user) and not has(user)


def has(user: User) -> bool:
    factors = Authenticator.objects.filter(user=user.pk, type__in=FACTORS)
    return bool(factors.exists())


def names(user: User) -> list[str]:
    factors = Authenticator.objects.filter(user=user.pk).order_by("type", "pk")
    return [str(factor) for factor in factors]


def remove_all(user: User) -> bool:
    """Delete the user's second factors and recovery codes, as after a lost phone.

    Return whether there were any, which is a security event.
    """
    removed, _ = Authenticator.objects.filter(user=user.pk).delete()
    if removed:
        security_events.record(SecurityEventKind.FACTOR_REMOVED, user=user)
    return bool(removed)


def reencrypt_secrets() -> int:
    """Encrypt with SECRET_KEY what its fallbacks encrypted; return the count."""
    count = 0
    for factor in Authenticator.objects.filter(data__has_any_keys=ENCRYPTED):
        if renewed := _reencrypted(factor.data):
            same = Authenticator.objects.filter(pk=factor.pk, data=factor.data)
            count += same.update(data={**factor.data, **renewed})
    return count


def _reencrypted(data: dict[str, Any]) -> dict[str, str]:
    """Return the changed values."""
    values = {
        name: field_encryption.reencrypt(data[name])
        for name in ENCRYPTED
        if name in data
    }
    return {name: value for name, value in values.items() if value}
