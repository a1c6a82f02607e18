"""Client addresses behind proxies, their networks, and their masks."""

import contextlib
import functools
import socket
from collections import defaultdict
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network

# Prefix of an IPv4 address within IPv6, as a socket for both families returns it.
MAPPED = b"\0" * 10 + b"\xff\xff"
IPV4_BYTES = 4
MAX_CACHED_PEERS = 1024  # behind a proxy there are few
IPV4_NETWORK_BYTES, IPV6_NETWORK_BYTES = 3, 6  # /24, /48
IPV6_CUSTOMER_BYTES = 8  # a /64, which a provider assigns to one customer


Network = IPv4Network | IPv6Network


class Networks:
    """A set of networks; a lookup takes as long for thousands as for one."""

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
    """Parse networks such as "10.0.0.0/8", and skip invalid ones."""
    parsed: list[Network] = []
    for text in networks:
        with contextlib.suppress(ValueError):
            parsed.append(ip_network(text, strict=False))
    return Networks(parsed)


PRIVATE = parse_networks(
    (
        *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
        *("::1/128", "fc00::/7"),
    )
)


class ClientAddresses:
    """A reader of client addresses, which trusts X-Forwarded-For of known proxies."""

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = Networks(trusted)
        self._peer = functools.lru_cache(MAX_CACHED_PEERS)(self._classified)

    def client_address(self, peer: str, forwarded_for: bytes | None) -> bytes:
        """Return the last hop that is not a trusted proxy (4, 16 or 0 bytes)."""
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
    """Return the address of `1.2.3.4:5678`, `"[2001:db8::1]:443"` or a plain one."""
    hop = hop.strip(' \t"')
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def is_internal(peer: bytes, *, is_forwarded: bool) -> bool:
    """Return whether a client is on this host or in its private network.

    The client of a proxy may be anywhere.
    """
    return not is_forwarded and PRIVATE.contains(peer)


def customer_network(address: bytes) -> bytes:
    """Return an IPv4 address, or the /64 network of an IPv6 address."""
    return address if len(address) == IPV4_BYTES else address[:IPV6_CUSTOMER_BYTES]


def packed(text: str) -> bytes:
    """Return the address in network order, or nothing if it is invalid."""
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    try:
        address = socket.inet_pton(family, text)
    except OSError:
        return b""
    return address.removeprefix(MAPPED)


def masked(address: bytes, mask: str) -> str:
    """Return what an account stores: the address, its network (/24, /48) or nothing."""
    if mask == "none" or not address:
        return ""
    is_short = len(address) == IPV4_BYTES
    if mask != "full":
        kept = IPV4_NETWORK_BYTES if is_short else IPV6_NETWORK_BYTES
        address = address[:kept].ljust(len(address), b"\0")
    return socket.inet_ntop(socket.AF_INET if is_short else socket.AF_INET6, address)
