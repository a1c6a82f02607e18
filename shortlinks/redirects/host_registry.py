"""All connected sites and short domains, in memory.

They are read again as often as cached links, in a task, so that no request waits.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import psycopg

from shortlinks.redirects.database import GuardedConnection, Row
from shortlinks.redirects.pixel_cookies import PixelCookies

logger = logging.getLogger(__name__)

RETRY_DELAY_SECONDS = 1.0

SELECT_SITES = """
SELECT site.site_key, site.account_id, site.origin
FROM shortlinks_connectedsite AS site
JOIN shortlinks_account AS account ON account.id = site.account_id
WHERE account.is_active
"""
# Others are only claimed, and must not affect anybody's links (docs/adr/0054).
SELECT_DOMAINS = """
SELECT host, account_id, cookie_domain
FROM shortlinks_shortdomain WHERE verified_at IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Site:
    account_id: int
    origin: bytes


@dataclass(frozen=True, slots=True)
class Domain:
    """A verified short domain.

    `cookies` are set if the customer's whole site shares them.
    """

    account_id: int
    cookies: PixelCookies | None


def _name(host: bytes) -> bytes:
    """Return the name of a Host header, as browsers compare it."""
    name, _, _ = host.partition(b":")
    return name.lower().rstrip(b".")


def _empty() -> Mapping[Any, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Hosts:
    """One state of the registry; `prefixes` has the URLs of each account's sites."""

    sites: Mapping[str, Site] = field(default_factory=_empty)
    origins: frozenset[bytes] = frozenset()
    prefixes: Mapping[int, tuple[str, ...]] = field(default_factory=_empty)
    domains: Mapping[bytes, Domain] = field(default_factory=_empty)

    def domain(self, host: bytes | None) -> Domain | None:
        """Return None for the service's own, unknown and unverified hosts."""
        if not self.domains or host is None:
            return None
        return self.domains.get(_name(host))

    def are_connected(self, account_id: int, target: str) -> bool:
        prefixes = self.prefixes.get(account_id)
        return prefixes is not None and target.startswith(prefixes)


class HostRegistry:
    """Keeps `hosts` as last read from Postgres; empty until a read has succeeded."""

    def __init__(
        self,
        database: GuardedConnection,
        cookies: PixelCookies,
        *,
        own: frozenset[str],
        seconds: float,
    ) -> None:
        self._database = database
        self._cookies = cookies
        self._own = frozenset(host.encode() for host in own)
        self._seconds = seconds
        self.current = Hosts()

    def is_own(self, host: bytes | None) -> bool:
        return host is not None and _name(host) in self._own

    def serves(self, name: bytes) -> bool:
        """Return whether the host is the service's own or a verified short domain."""
        return name in self._own or name in self.current.domains

    async def refresh_forever(self) -> None:
        while True:
            is_read = await self.refresh()
            await asyncio.sleep(self._seconds if is_read else RETRY_DELAY_SECONDS)

    async def refresh(self) -> bool:
        try:
            sites = await self._database.execute(SELECT_SITES)
            domains = await self._database.execute(SELECT_DOMAINS)
        except (psycopg.Error, OSError) as error:
            logger.warning("connected sites and short domains were not read: %r", error)
            return False
        self.current = self._hosts(sites, domains)
        return True

    def _hosts(self, sites: Iterable[Row], domains: Iterable[Row]) -> Hosts:
        by_key = {key: Site(account_id, o.encode()) for key, account_id, o in sites}
        prefixes: defaultdict[int, tuple[str, ...]] = defaultdict(tuple)
        for site in by_key.values():
            prefixes[site.account_id] += (f"{site.origin.decode()}/",)
        return Hosts(
            sites=by_key,
            origins=frozenset(site.origin for site in by_key.values()),
            prefixes=dict(prefixes),
            domains={
                host.encode(): Domain(account_id, self._shared_cookies(cookie_domain))
                for host, account_id, cookie_domain in domains
                if host.encode() not in self._own
            },
        )

    def _shared_cookies(self, cookie_domain: str) -> PixelCookies | None:
        return self._cookies.for_domain(cookie_domain) if cookie_domain else None
