"""Rate limits, such as those of tokens and accounts: a sliding log in Redis.

A request passes if fewer requests than the limit passed in the period before it, by the
clock of Redis. One script checks and adds the entry, so the limit is exact for any
number of processes. Without Redis, everything passes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from operator import itemgetter

import redis
from django.conf import settings

from shortlinks.domain import redis_client

# Returns the microseconds until a request would pass, 0 if this one does, and for each
# key the requests that it has left. It checks all keys before it writes any, so a
# rejected request does not count.
SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local later = string.format('(%.0f', now)  -- entries from before the clock was set back
local wait = 0
local left = {}
for i, key in ipairs(KEYS) do
  local window = tonumber(ARGV[#KEYS + i])
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now - window)
  redis.call('ZREMRANGEBYSCORE', key, later, '+inf')
  local limit = tonumber(ARGV[i])
  local passed = redis.call('ZCARD', key)
  left[i] = math.max(limit - passed - 1, 0)
  if passed >= limit then
    local at = passed - limit
    local first = redis.call('ZRANGE', key, at, at, 'WITHSCORES')
    wait = math.max(wait, tonumber(first[2]) + window - now, 1)
  end
end
if wait > 0 then return {wait, left} end
for i, key in ipairs(KEYS) do
  local member = string.format('%.0f-%d', now, redis.call('ZCARD', key))
  redis.call('ZADD', key, now, member)
  redis.call('PEXPIRE', key, ARGV[#KEYS + i] / 500)
end
return {0, left}
"""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `rate` requests, 1 or more, in `seconds` for one key."""

    key: str
    rate: int
    seconds: int = 1


@dataclass(frozen=True, slots=True)
class Acquired:
    """The result for one request, and the limit that has the fewest requests left.

    `wait_seconds` is 0 if the request passes, or the time until one would.
    """

    wait_seconds: float
    limit: Limit
    left: int


def limits_for_token(
    token_id: int, account_id: int, own_rate: int | None
) -> list[Limit]:
    """Return the limits of a token and its account. A rate of 0 means no limit."""
    token_rate = settings.API_RATE_LIMIT_PER_TOKEN if own_rate is None else own_rate
    limits = [
        # the braces keep both on one node of a cluster
        Limit(f"{{{account_id}}}:token:{token_id}", token_rate),
        Limit(f"{{{account_id}}}:account", settings.API_RATE_LIMIT_PER_ACCOUNT),
    ]
    return [limit for limit in limits if limit.rate]


def acquire(limits: Sequence[Limit]) -> Acquired | None:
    """Count a request. Return None if nothing is limited, or Redis is unavailable."""
    if not limits or redis_client.breaker.is_open:
        return None
    try:
        microseconds, left = _script()(
            keys=[_key(limit) for limit in limits],
            args=[
                *(limit.rate for limit in limits),
                *(limit.seconds * 1_000_000 for limit in limits),
            ],
        )
    except redis.RedisError as error:
        redis_client.breaker.trip(error)
        return None
    fewest, limit = min(zip(left, limits, strict=True), key=itemgetter(0))
    return Acquired(microseconds / 1e6, limit, fewest)


def release(limits: Sequence[Limit]) -> None:
    """Take back the last request that passed these limits."""
    if not limits or redis_client.breaker.is_open:
        return
    try:
        with redis_client.client().pipeline(transaction=False) as pipe:
            for limit in limits:
                pipe.zpopmax(_key(limit))
            pipe.execute()
    except redis.RedisError as error:
        redis_client.breaker.trip(error)


def _key(limit: Limit) -> str:
    return f"{settings.REDIS_KEY_PREFIX}rate:{limit.key}"


@cache
def _script() -> "redis.commands.core.Script":
    return redis_client.client().register_script(SCRIPT)
