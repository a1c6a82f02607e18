"""Lists of networks that their owners publish, refreshed daily over the internet.

Each row has the last good list. A list that cannot be loaded, or that is not plausible,
changes nothing.
"""

import logging
import re
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import IPv4Network, ip_network

from django.conf import settings
from django.utils import timezone

from shortlinks.domain import known_networks
from shortlinks.domain.ip_addresses import Network
from shortlinks.domain.known_networks import Owner
from shortlinks.domain.webhooks import http_client
from shortlinks.models import PublishedNetworks

logger = logging.getLogger(__name__)

MAX_AGE = timedelta(days=1)
MAX_BYTES = 16 * 1024 * 1024
MAX_NETWORKS = 50_000
MIN_PREFIX_LENGTHS = {4: 8, 6: 16}
# AWS, the largest, has 180 million IPv4 addresses: 5% of the internet.
MAX_ADDRESSES = 2**28
MAX_GROWTH = 4  # times the addresses of the list before
LOAD_INTERVAL_SECONDS = 300
# A whole network in a quoted word or on a line of its own.
NETWORK = re.compile(r'(?:^|["\s])([0-9a-fA-F.:]{3,39}/\d{1,3})(?=["\s]|$)')


class ImplausibleList(ValueError):
    """A published list that is empty, broken or suspiciously large."""


def refresh_next() -> None:
    """Refresh the published list that was checked longest ago, if it is due."""
    if not settings.REFRESH_PUBLISHED_NETWORKS or (owner := _next_due()) is None:
        return
    row = PublishedNetworks.objects.filter(pk=owner.key).first()
    row = row or PublishedNetworks(owner=owner.key)
    row.checked_at, row.last_error = timezone.now(), ""
    try:
        body = http_client.fetch(owner.published, max_bytes=MAX_BYTES)
        before = row.networks or known_networks.shipped_by_owner(owner.key)
        row.networks = [str(network) for network in parse(body.decode(), before)]
        row.refreshed_at = row.checked_at
    except (OSError, ValueError) as error:
        row.last_error = repr(error)[:1000]
        logger.warning("networks of %s are not refreshed: %r", owner.key, error)
    row.save()


def load() -> None:
    """Use the stored lists; the database is read every five minutes."""
    if settings.REFRESH_PUBLISHED_NETWORKS:
        _load(int(time.monotonic() / LOAD_INTERVAL_SECONDS))


def parse(text: str, before: Sequence[str]) -> list[Network]:
    """Return the networks in a list, or raise ImplausibleList.

    The limits are strict, so that a broken list cannot mark a part of the internet.
    """
    found = {ip_network(each) for each in NETWORK.findall(text)}
    if not 0 < len(found) <= MAX_NETWORKS:
        raise ImplausibleList(f"{len(found)} networks")
    for network in found:
        if network.prefixlen < MIN_PREFIX_LENGTHS[network.version]:
            raise ImplausibleList(f"{network} is too wide")
        if not network.is_global:
            raise ImplausibleList(f"{network} is not public")
    addresses = _count_addresses(list(found))
    known = _count_addresses([ip_network(each) for each in before])
    if addresses > min(MAX_ADDRESSES, MAX_GROWTH * known or MAX_ADDRESSES):
        raise ImplausibleList(f"{addresses} addresses instead of {known}")
    return sorted(found, key=lambda network: (network.version, network))


def _count_addresses(networks: Sequence[Network]) -> int:
    return sum(n.num_addresses for n in networks if isinstance(n, IPv4Network))


def _next_due() -> Owner | None:
    checked = dict(PublishedNetworks.objects.values_list("owner", "checked_at"))
    never = datetime.min.replace(tzinfo=timezone.get_current_timezone())
    listed = [owner for owner in known_networks.read_owners() if owner.published]
    owner = min(listed, key=lambda owner: checked.get(owner.key, never))
    is_due = checked.get(owner.key, never) < timezone.now() - MAX_AGE
    return owner if is_due else None


@lru_cache(1)
def _load(interval: int) -> None:
    rows = PublishedNetworks.objects.exclude(networks=[])
    known_networks.use_published(dict(rows.values_list("owner", "networks")))
