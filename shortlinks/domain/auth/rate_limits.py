"""How often a token and its account may call: a sliding log in Redis (contract §2).

A request passes if fewer than the limit passed within the second before it, by Redis'
own clock; the check and the entry are one script, so it is exact however many processes
ask at once. Without Redis everything passes.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 0.3  # seconds, to connect and for an answer
RETRY_DELAY_SECONDS = 5.0

# Answers in how many microseconds the next would pass; 0 if this one did.
# All keys are looked at before any is written: who is refused takes nobody's place.
SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local later = string.format('(%.0f', now)  -- where the clock was set back from
local wait = 0
for i, key in ipairs(KEYS) do
  local window = tonumber(ARGV[#KEYS + i])
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now - window)
  redis.call('ZREMRANGEBYSCORE', key, later, '+inf')
  local limit = tonumber(ARGV[i])
  local passed = redis.call('ZCARD', key)
  if passed >= limit then
    local at = passed - limit
    local first = redis.call('ZRANGE', key, at, at, 'WITHSCORES')
    wait = math.max(wait, tonumber(first[2]) + window - now, 1)
  end
end
if wait > 0 then return wait end
for i, key in ipairs(KEYS) do
  local member = string.format('%.0f-%d', now, redis.call('ZCARD', key))
  redis.call('ZADD', key, now, member)
  redis.call('PEXPIRE', key, ARGV[#KEYS + i] / 500)
end
return 0
"""


@dataclass(frozen=True, slots=True)
class Limit:
    """`rate` requests in so many seconds, from 1, for whoever the key names."""

    key: str
    rate: int
    seconds: int = 1


def limits_for_token(
    token_id: int, account_id: int, own_rate: int | None
) -> list[Limit]:
    """What binds a token: its own rate or everybody's, and its account's; 0 is none."""
    token_rate = settings.API_RATE_LIMIT_PER_TOKEN if own_rate is None else own_rate
    named = [
        # the braces keep both on one node of a cluster
        Limit(f"{{{account_id}}}:token:{token_id}", token_rate),
        Limit(f"{{{account_id}}}:account", settings.API_RATE_LIMIT_PER_ACCOUNT),
    ]
    return [limit for limit in named if limit.rate]


def acquire(limits: Sequence[Limit]) -> float:
    """Seconds until the caller may come again; 0 if this request passes."""
    if not limits or time.monotonic() < _unavailable.until:
        return 0
    try:
        microseconds = _script()(
            keys=[f"{settings.REDIS_KEY_PREFIX}rate:{limit.key}" for limit in limits],
            args=[
                *(limit.rate for limit in limits),
                *(limit.seconds * 1_000_000 for limit in limits),
            ],
        )
    except redis.RedisError as error:
        logger.warning("rates are not limited, Redis is away: %s", error)
        _unavailable.until = time.monotonic() + RETRY_DELAY_SECONDS
        return 0
    return int(microseconds) / 1e6


class _Unavailable:
    """A Redis that hangs costs one request, and not each."""

    until = 0.0


_unavailable = _Unavailable()


@cache
def _script() -> "redis.commands.core.Script":
    client = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    return client.register_script(SCRIPT)
