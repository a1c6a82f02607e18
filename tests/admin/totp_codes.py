"""Codes of an authenticator app."""

from allauth.mfa.totp.internal import auth as totp


def code(secret: str, *, periods_ago: int = 0) -> str:
    counter = next(iter(totp.yield_hotp_counters_from_time()))
    value = totp.hotp_value(secret, counter - periods_ago)
    return str(totp.format_hotp_value(value))
