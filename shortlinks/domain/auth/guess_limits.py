"""Limits for guesses of passwords, codes and other secrets.

Guesses are counted by client address and by target, such as the user whose password is
guessed. Guesses of strangers cannot lock out a user: the browsers and networks
from which the user has signed in before have counts of their own (`known_as`).

Each attempt counts before the secret is checked, so that concurrent guesses cannot
exceed a limit, and is taken back if the secret was right. Without Redis, nothing is
limited; hashes are still made by few threads (`password_hashing`).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from django.conf import settings

from shortlinks.domain.auth import rate_limits, security_events
from shortlinks.domain.auth.rate_limits import Limit
from shortlinks.models import SecurityEventKind, User

PERIOD = 600  # seconds


class Secret(Enum):
    """A kind of secret, and its limits in ten minutes: for an address and for a target.

    An office has one address for many people. Random secrets have no limit for a
    target: they are too long to guess, and a limit would lock out their owner.
    """

    PASSWORD = "password", 50, 10
    CODE = "code", 50, 10  # of a second factor
    RESET = "reset", 20, 3  # e-mails with a link for a new password
    CLIENT_SECRET = "client", 60, 0
    TOKEN = "token", 300, 0
    PROVIDER = "provider", 200, 0  # sign-ins that begin; each calls the provider

    def __init__(self, key: str, per_address: int, per_target: int) -> None:
        self.key = key
        self.per_address = per_address
        self.per_target = per_target


@dataclass(frozen=True, slots=True)
class Attempt:
    """A counted guess. `wait_seconds` is 0 if it may be checked."""

    limits: Sequence[Limit]
    wait_seconds: float

    @property
    def is_allowed(self) -> bool:
        return self.wait_seconds == 0


def begin(
    secret: Secret, target: str = "", *, known_as: str = "", user: User | None = None
) -> Attempt:
    """Count a guess at the target's secret by the current client.

    `known_as` names the browser or network in which the target has signed in before. A
    guess beyond a limit is a security event of `user`.
    """
    limits = _limits(secret, target, known_as)
    acquired = rate_limits.acquire(limits)
    attempt = Attempt(limits, acquired.wait_seconds if acquired else 0)
    if not attempt.is_allowed:
        kind = SecurityEventKind.SIGN_IN_BLOCKED
        security_events.record_frequent(kind, user=user, detail=secret.key)
    return attempt


def take_back(attempt: Attempt) -> None:
    """Forget the guess, because the secret was right."""
    rate_limits.release(attempt.limits)


def _limits(secret: Secret, target: str, known_as: str) -> list[Limit]:
    limits = []
    if known_as:
        limits.append(
            _limit(secret, "known", f"{target}:{known_as}", secret.per_target)
        )
    else:
        address = security_events.client_address()
        limits.append(_limit(secret, "address", address, secret.per_address))
        limits.append(_limit(secret, "target", target, secret.per_target))
    return [limit for limit in limits if limit.rate]


def _limit(secret: Secret, by: str, value: str, rate: int) -> Limit:
    """Return a limit whose key names neither address nor e-mail."""
    text = f"{by}:{value}".encode("utf-8", "replace")
    digest = hashlib.blake2b(
        text, key=settings.VISITOR_UID_KEY[:64], digest_size=16
    ).hexdigest()
    # The braces keep all keys on one node of a cluster, because one script reads them.
    return Limit(f"{{guess}}:{secret.key}:{digest}", rate, PERIOD)
