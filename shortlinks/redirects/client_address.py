"""Whose address a request came from, and how much of it is kept."""

import functools
import socket
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network

# An IPv4 address inside IPv6, as a socket on both families names it.
MAPPED = b"\0" * 10 + b"\xff\xff"
IPV4_BYTES = 4
MOST_PEERS = 1024  # remembered; where a proxy stands in front they are few
IPV4_KEPT, IPV6_KEPT = 3, 6  # bytes of a network: /24, /48


class ClientAddresses:
    """Believes X-Forwarded-For only as far as the proxies it came through are ours."""

    def __init__(self, trusted: Sequence[IPv4Network | IPv6Network]) -> None:
        self._trusted = [
            (n.max_prefixlen // 8, int(n.netmask), int(n.network_address))
            for n in trusted
        ]
        self._peer = functools.lru_cache(MOST_PEERS)(self._judged)

    def of(self, peer: str, forwarded_for: bytes | None) -> bytes:
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
            if not self._is_trusted(address):
                return address
        return address

    def _judged(self, peer: str) -> tuple[bytes, bool]:
        address = packed(peer)
        return address, self._is_trusted(address)

    def _is_trusted(self, address: bytes) -> bool:
        size, number = len(address), int.from_bytes(address)
        return any(
            size == network_size and number & mask == network
            for network_size, mask, network in self._trusted
        )


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
