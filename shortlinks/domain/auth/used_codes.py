"""Codes of authenticator apps that were used already, in Redis, as a cache of Django.

Without Redis, a code works until its half minute is over.
"""

from typing import Any

import redis
from django.conf import settings
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.locmem import LocMemCache

from shortlinks.domain import redis_client


class UsedCodes(LocMemCache):
    """Django's cache in memory, but processes share what is added once."""

    def add(
        self,
        key: str,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> bool:
        """Return whether the key is new; it is kept for so many seconds."""
        seconds = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        name = f"{settings.REDIS_KEY_PREFIX}used:{key}"
        if redis_client.breaker.is_open:
            return True
        try:
            return bool(
                redis_client.client().set(name, "", nx=True, ex=int(seconds or 60))
            )
        except redis.RedisError as error:
            redis_client.breaker.trip(error)
            return True
