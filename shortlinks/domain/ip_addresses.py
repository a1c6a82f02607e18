"""Whose address a request came from, how much of it is kept, and where it lies."""

import contextlib
import functools
import socket
from collections import defaultdict
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network

# An IPv4 address inside IPv6, as a socket on both families names it.
MAPPED = b"\0" * 10 + b"\xff\xff"
IPV4_BYTES = 4
MAX_CACHED_PEERS = 1024  # remembered; where a proxy stands in front they are few
IPV4_KEPT, IPV6_KEPT = 3, 6  # bytes of a network: /24, /48


Network = IPv4Network | IPv6Network


class Networks:
    """A set of networks, as quick to ask when there are thousands."""

    def __init__(self, networks: Iterable[Network]) -> None:
        self._numbers: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
        for network in networks:
            shape = (network.max_prefixlen // 8, int(network.netmask))
            self._numbers[shape].add(int(network.network_address))

    def contains(self, address: bytes) -> bool:
        size, number = len(address), int.from_bytes(address)
        return any(
            size == network_size and number & mask in numbers
            for (network_size, mask), numbers in self._numbers.items()
        )


@functools.lru_cache(MAX_CACHED_PEERS)
def parse_networks(networks: Sequence[str]) -> Networks:
    """The networks of these names; a name that is none holds nothing."""
    known: list[Network] = []
    for name in networks:
        with contextlib.suppress(ValueError):
            known.append(ip_network(name, strict=False))
    return Networks(known)


class ClientAddresses:
    """Believes X-Forwarded-For only as far as the proxies it came through are ours."""

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = Networks(trusted)
        self._peer = functools.lru_cache(MAX_CACHED_PEERS)(self._classified)

    def client_address(self, peer: str, forwarded_for: bytes | None) -> bytes:
        """The right-most hop that is not a trusted proxy: 4 or 16 bytes, or none."""
        address, is_trusted = self._peer(peer)
        if forwarded_for is None or not is_trusted:
            return address
        hops = forwarded_for.decode("latin-1")
        while hops:
            hops, _, hop = hops.rpartition(",")
            candidate = packed(_without_port(hop))
            if not candidate:
                return address
            address = candidate
            if not self._trusted.contains(address):
                return address
        return address

    def is_trusted_proxy(self, peer: str) -> bool:
        return self._peer(peer)[1]

    def _classified(self, peer: str) -> tuple[bytes, bool]:
        address = packed(peer)
        return address, self._trusted.contains(address)


def _without_port(hop: str) -> str:
    """The address of `1.2.3.4:5678`, `"[2001:db8::1]:443"` and plain ones."""
    hop = hop.strip(' \t"')
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def packed(text: str) -> bytes:
    """The address in network order; empty if it is none."""
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    try:
        address = socket.inet_pton(family, text)
    except OSError:
        return b""
    return address.removeprefix(MAPPED)


def masked(address: bytes, mask: str) -> str:
    """What the account lets be stored: the whole, the network (/24, /48), nothing."""
    if mask == "none" or not address:
        return ""
    is_short = len(address) == IPV4_BYTES
    if mask != "full":
        kept = IPV4_KEPT if is_short else IPV6_KEPT
        address = address[:kept].ljust(len(address), b"\0")
    return socket.inet_ntop(socket.AF_INET if is_short else socket.AF_INET6, address)
