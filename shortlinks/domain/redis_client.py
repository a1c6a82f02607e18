"""The Redis connections of synchronous code, and their circuit breaker."""

from functools import cache

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from shortlinks.domain.circuit_breaker import CircuitBreaker

TIMEOUT_SECONDS = 0.3  # to connect, and for each response


@cache
def client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),  # the library's default is three retries
    )


def ping() -> None:
    """Raise redis.RedisError if Redis is unavailable."""
    client().ping()


breaker = CircuitBreaker("Redis", ping)


def is_available() -> bool:
    """Return whether Redis responds, without waiting while the breaker is open."""
    if breaker.is_open:
        return False
    try:
        ping()
    except redis.RedisError as error:
        breaker.trip(error)
        return False
    return True
