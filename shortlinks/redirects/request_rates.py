"""Limits for requests of visitors that need more than a redirect."""

import asyncio

from shortlinks.domain import ip_addresses
from shortlinks.domain.auth import rate_limits
from shortlinks.domain.auth.rate_limits import Limit

MAX_REQUESTS_PER_MINUTE = 30


async def is_exceeded(kind: str, address: bytes) -> bool:
    """Count a request of this network; return whether it sent too many.

    No limit applies while Redis is unavailable, or to an unknown address.
    """
    if not address:
        return False
    network = ip_addresses.customer_network(address)
    limit = Limit(f"{kind}:{network.hex()}", MAX_REQUESTS_PER_MINUTE, seconds=60)
    acquired = await asyncio.to_thread(rate_limits.acquire, [limit])
    return bool(acquired and acquired.wait_seconds)
