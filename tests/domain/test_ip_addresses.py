import socket
from ipaddress import ip_network

import pytest

from shortlinks.domain import ip_addresses
from shortlinks.domain.ip_addresses import ClientAddresses, masked, packed

PROXIES = ClientAddresses([ip_network("10.0.0.0/8"), ip_network("2001:db8:f::/48")])


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        pytest.param("198.51.100.7", None, "198.51.100.7", id="direct"),
        pytest.param("198.51.100.7", "1.2.3.4", "198.51.100.7", id="spoofed"),
        pytest.param("10.0.0.1", "1.2.3.4", "1.2.3.4", id="one proxy"),
        pytest.param("10.0.0.1", "9.9.9.9, 1.2.3.4", "1.2.3.4", id="client's own"),
        pytest.param("10.0.0.1", "1.2.3.4, 10.1.1.1", "1.2.3.4", id="two proxies"),
        pytest.param("10.0.0.1", "10.2.2.2, 10.1.1.1", "10.2.2.2", id="all ours"),
        pytest.param("10.0.0.1", "1.2.3.4, junk", "10.0.0.1", id="junk"),
        pytest.param("10.0.0.1", "junk, 10.1.1.1", "10.1.1.1", id="junk behind ours"),
        pytest.param("10.0.0.1", "", "10.0.0.1", id="empty"),
        pytest.param("10.0.0.1", "1.2.3.4:443", "1.2.3.4", id="with a port"),
        pytest.param("10.0.0.1", '"[2001:db8::5]:443"', "2001:db8::5", id="quoted"),
        pytest.param("10.0.0.1", "[2001:db8::5]", "2001:db8::5", id="in brackets"),
        pytest.param("::ffff:10.0.0.1", "1.2.3.4", "1.2.3.4", id="mapped"),
        pytest.param("2001:db8:f::1", "2001:db8:1::5", "2001:db8:1::5", id="ipv6"),
        pytest.param(
            "10.0.0.1", "10.9.9.9," * 1000 + "10.1.1.1", "10.9.9.9", id="many"
        ),
    ],
)
def test_client_address_is_the_last_untrusted_hop(
    peer: str, forwarded: str | None, address: str
) -> None:
    header = None if forwarded is None else forwarded.encode()

    assert PROXIES.client_address(peer, header) == packed(address)


def test_proxies_are_not_trusted_by_default() -> None:
    assert ClientAddresses([]).client_address("127.0.0.1", b"1.2.3.4") == packed(
        "127.0.0.1"
    )


@pytest.mark.parametrize(
    ("address", "mask", "kept"),
    [
        ("198.51.100.7", "truncated", "198.51.100.0"),
        ("2001:db8:1:2:3::7", "truncated", "2001:db8:1::"),
        ("::ffff:198.51.100.7", "truncated", "198.51.100.0"),
        ("198.51.100.7", "full", "198.51.100.7"),
        ("2001:DB8::7", "full", "2001:db8::7"),
        ("198.51.100.7", "none", ""),
        ("no address", "full", ""),
    ],
)
def test_address_is_masked_as_the_account_requires(
    address: str, mask: str, kept: str
) -> None:
    assert masked(packed(address), mask) == kept


def test_packed_address_is_in_network_order() -> None:
    assert packed("1.2.3.4") == socket.inet_aton("1.2.3.4")


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.31.0.1", "::1", "fd00::1", "::ffff:192.168.0.1"],
)
def test_private_address_is_internal_without_a_proxy(address: str) -> None:
    peer = packed(address)

    assert ip_addresses.is_internal(peer, is_forwarded=False)
    assert not ip_addresses.is_internal(peer, is_forwarded=True)


@pytest.mark.parametrize("address", ["8.8.8.8", "172.32.0.1", "2a00::1", ""])
def test_public_address_is_not_internal(address: str) -> None:
    assert not ip_addresses.is_internal(packed(address), is_forwarded=False)
