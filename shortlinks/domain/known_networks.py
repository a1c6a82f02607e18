"""Find networks of link scanners, clouds and previews (docs/adr/0035).

`data/network_owners.tsv` is reviewed by hand, with a source for each line.
`data/networks.tsv` has the networks of their autonomous systems, generated from a
public routing table by `manage.py update_bot_networks`.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Literal, get_args

import maxminddb
from django.conf import settings

from shortlinks.domain import ip_addresses
from shortlinks.domain.ip_addresses import Network
from shortlinks.models import AddressMask

Scope = Literal["opens", "previews"]
NetworkCertainty = Literal["certain", "probable", "none"]

DATA = Path(__file__).parent / "data"
OWNERS_FILE = DATA / "network_owners.tsv"
NETWORKS_FILE = DATA / "networks.tsv"
# A network narrower than the mask cannot be recognized in a masked address.
MASKED_PREFIX_LENGTHS = {4: 24, 16: 48}
CACHE_SIZE = 4096
MAX_KEY_LENGTH = 28  # so that a reason fits its column

_published_networks: dict[str, tuple[Network, ...]] = {}


# Compared by identity, so that caches do not hash all networks.
@dataclass(frozen=True, slots=True, eq=False)
class Owner:
    """An owner of networks whose visits certainly or probably are not a person's.

    The certainty "none" marks an exception: people use these networks.
    """

    key: str
    name: str
    scope: Scope
    certainty: NetworkCertainty
    source: str
    asns: tuple[int, ...] = ()
    networks: tuple[Network, ...] = ()
    published: str = ""  # URL of the owner's own list


@dataclass(frozen=True, slots=True)
class Match:
    owner: Owner
    network: Network


class NetworkTable:
    """Owners by network; the most specific network of an address decides."""

    def __init__(self, owned: Iterable[tuple[Network, Owner]]) -> None:
        found: defaultdict[tuple[int, int], dict[int, Owner]] = defaultdict(dict)
        for network, owner in owned:
            shape = (network.max_prefixlen // 8, network.prefixlen)
            found[shape][int(network.network_address)] = owner
        self._owners = sorted(found.items(), reverse=True)

    def find(self, address: bytes, max_prefix_length: int) -> Match | None:
        size, number = len(address), int.from_bytes(address)
        for (network_size, prefix_length), owners in self._owners:
            if network_size != size or prefix_length > max_prefix_length:
                continue
            shift = 8 * size - prefix_length
            if owner := owners.get(number >> shift << shift):
                packed = (number >> shift << shift).to_bytes(size)
                return Match(owner, ip_network((packed, prefix_length)))
        return None


@lru_cache(CACHE_SIZE)
def find(address: str | None, mask: str | None) -> Match | None:
    """Return the known network of an address that was stored with this mask.

    The operator's own list comes first, then reviewed networks, then published ones,
    then those of autonomous systems.
    """
    packed = ip_addresses.packed(address) if address else b""
    if not packed:
        return None
    longest = 8 * len(packed)
    if mask != AddressMask.FULL:
        longest = MASKED_PREFIX_LENGTHS[len(packed)]
    match = (
        _configured_networks().find(packed, longest)
        or _reviewed().find(packed, longest)
        or _published().find(packed, longest)
        or _of_autonomous_system(packed, longest)
    )
    return None if match is None or match.owner.certainty == "none" else match


def owner(key: str) -> Owner | None:
    return _owners().get(key)


def read_owners() -> list[Owner]:
    """Read the reviewed list; an invalid line raises ValueError."""
    with OWNERS_FILE.open(newline="") as file:
        return [_owner(row) for row in csv.DictReader(file, delimiter="\t")]


def _owner(row: dict[str, str]) -> Owner:
    return Owner(
        key=row["key"],
        name=row["name"],
        scope=_one_of(Scope, row["scope"]),
        certainty=_one_of(NetworkCertainty, row["certainty"]),
        source=row["source"],
        asns=tuple(map(int, row["asns"].split())),
        networks=tuple(map(ip_network, row["networks"].split())),
        published=row["published"],
    )


def _one_of(values: object, text: str) -> Any:
    if text not in get_args(values):
        raise ValueError(f"{text!r} is not one of {get_args(values)}")
    return text


def use_published(networks: Mapping[str, Iterable[str]]) -> None:
    """Use these networks, by owner, instead of the shipped ones of the same owners."""
    found = {key: tuple(map(ip_network, each)) for key, each in networks.items()}
    if found != _published_networks:
        _published_networks.clear()
        _published_networks.update(found)
        clear_caches()


def clear_caches() -> None:
    """Read all lists again at the next visit."""
    find.cache_clear()
    for table in (_configured_networks, _reviewed, _published, _shipped):
        table.cache_clear()
    _owners.cache_clear()
    _owners_by_asn.cache_clear()
    _asn_database.cache_clear()


@cache
def _owners() -> dict[str, Owner]:
    return {owner.key: owner for owner in read_owners()}


@cache
def _configured_networks() -> NetworkTable:
    return NetworkTable(
        (network, _configured_owner(*described))
        for network, *described in settings.BOT_NETWORKS_PATH
    )


def _configured_owner(scope: str, certainty: str, name: str) -> Owner:
    return Owner(
        key=_configured_key(name),
        name=name,
        scope=_one_of(Scope, scope),
        certainty=_one_of(NetworkCertainty, certainty),
        source="BOT_NETWORKS_PATH",
    )


def _configured_key(name: str) -> str:
    """Return a key without semicolons, which separate the parts of `Visit.reason`."""
    return name.replace(";", ",")[:MAX_KEY_LENGTH]


@cache
def _reviewed() -> NetworkTable:
    return NetworkTable(
        (n, owner) for owner in _owners().values() for n in owner.networks
    )


@cache
def _published() -> NetworkTable:
    return NetworkTable(
        (network, _owners()[key])
        for key, networks in _published_networks.items()
        if key in _owners()
        for network in networks
    )


@cache
def _shipped() -> NetworkTable:
    return NetworkTable(
        (network, owner)
        for network, owner in shipped_networks()
        if owner.key not in _published_networks
    )


def shipped_by_owner(key: str) -> list[str]:
    return [str(network) for network, each in shipped_networks() if each.key == key]


def shipped_networks() -> Iterator[tuple[Network, Owner]]:
    with NETWORKS_FILE.open() as file:
        lines = (line for line in file if not line.startswith("#"))
        for network, key in csv.reader(lines, delimiter="\t"):
            yield ip_network(network), _owners()[key]


def _of_autonomous_system(address: bytes, longest: int) -> Match | None:
    """Use the operator's database of autonomous systems, else the shipped list."""
    database = _asn_database()
    if database is None:
        return _shipped().find(address, longest)
    record, length = database.get_with_prefix_len(str(ip_address(address)))
    if not isinstance(record, dict):
        return None
    owner = _owners_by_asn().get(record.get("autonomous_system_number"))
    # A record of a whole IPv6 network may contain IPv4 addresses; its length is longer.
    network = ip_network((address, min(length, 8 * len(address))), strict=False)
    return Match(owner, network) if owner and network.prefixlen <= longest else None


@cache
def _owners_by_asn() -> dict[object, Owner]:
    return {asn: owner for owner in _owners().values() for asn in owner.asns}


@cache
def _asn_database() -> maxminddb.Reader | None:
    path = settings.ASN_DATABASE_PATH
    return maxminddb.open_database(path) if path else None
